"""Names of modules that are one component with different parameters, and what heads a module."""

import inspect
import textwrap
from collections.abc import Mapping
from typing import Final

from amaranth.hdl import Shape, ShapeCastable

from naas_hw.emit.netlist import NetlistModule
from naas_hw.emit.platform import PREFIX, snake_case
from naas_hw.rtl.primitives.shared import SharedComponent

_MAX_HEADER: Final = 110
_MAX_DECIMAL: Final = 10**8
"""What is larger is no count but a pattern of bits, like a digest."""


def variant_names(
    components: Mapping[str, SharedComponent], modules: Mapping[str, NetlistModule]
) -> dict[str, str]:
    """A name for each definition: its component, and what tells it from its variants.

    Those are the parameters that differ, where they are numbers; else where it is first used.

    Parameters
    ----------
    components : definition -> component.
    modules : all netlists; they show where each definition is used.
    """
    groups: dict[str, list[str]] = {}
    for name, component in components.items():
        groups.setdefault(PREFIX + snake_case(type(component).__name__), []).append(name)
    names: dict[str, str] = {}
    for stem, members in groups.items():
        if len(members) == 1:
            names[members[0]] = stem
            continue
        endings = _by_parameters([components[member] for member in members])
        if endings is None:
            endings = _by_use(members, components, modules)
        names |= {m: f"{stem}_{ending}" for m, ending in zip(members, endings, strict=True)}
    return names


def _by_parameters(components: list[SharedComponent]) -> list[str] | None:
    """`w96_d8` of each component; None where numbers do not tell them apart."""
    numbers = [
        {name: _number(value) for name, value in component.named_parameters.items()}
        for component in components
    ]
    differing = [name for name in numbers[0] if len({each[name] for each in numbers}) > 1]
    letters = [_initials(name) for name in differing]
    if len(set(letters)) < len(letters):
        letters = differing
    endings = [
        "_".join(
            f"{letter}{each[name]}"
            for letter, name in zip(letters, differing, strict=True)
            if each[name] is not None
        )
        for each in numbers
    ]
    return endings if len(set(endings)) == len(endings) and all(endings) else None


def _number(value: object) -> int | None:
    if isinstance(value, Shape | ShapeCastable):
        return int(Shape.cast(value).width)
    return int(value) if isinstance(value, int) else None


def _initials(name: str) -> str:
    if name == "shape":
        return "w"
    return "".join(word[0] for word in name.split("_"))


def _by_use(
    members: list[str],
    components: Mapping[str, SharedComponent],
    modules: Mapping[str, NetlistModule],
) -> list[str]:
    """The component in which each definition is first used; with the instance where needed."""
    uses = [_first_use(member, components, modules) for member in members]
    parents = [parent for parent, _ in uses]
    return [
        parent if parents.count(parent) == 1 or parent == instance else f"{parent}_{instance}"
        for parent, instance in uses
    ]


def _first_use(
    name: str, components: Mapping[str, SharedComponent], modules: Mapping[str, NetlistModule]
) -> tuple[str, str]:
    for module in modules.values():
        for cell in module.cells:
            if cell.kind == f"\\{name}":
                parent = components.get(module.name)
                stem = module.name if parent is None else snake_case(type(parent).__name__)
                return stem.removeprefix(PREFIX).replace(".", "_"), cell.name.replace(".", "_")
    return "top", name


def rename_modules(
    modules: Mapping[str, NetlistModule], names: Mapping[str, str]
) -> dict[str, NetlistModule]:
    """Modules, and what they are instances of, under new names; in place."""

    def renamed(name: str) -> str:
        first, dot, rest = name.partition(".")
        return names.get(first, first) + dot + rest

    for module in modules.values():
        module.name = renamed(module.name)
        for cell in module.cells:
            if cell.kind.startswith("\\"):
                cell.kind = "\\" + renamed(cell.kind[1:])
    return {module.name: module for module in modules.values()}


def describe(component: object, parameters: Mapping[str, object]) -> list[str]:
    """Lines that say what a module is: the first line of its docstring, and its parameters."""
    document = inspect.getdoc(type(component)) or ""
    words = [
        f"{name} = {text}"
        for name, value in parameters.items()
        if (text := _value_text(value)) is not None
    ]
    return [document.partition("\n")[0], *textwrap.wrap(", ".join(words), _MAX_HEADER)]


def _value_text(value: object) -> str | None:
    """A parameter as text; None: it is no number, name, shape or collection of these."""
    if isinstance(value, int) and value > _MAX_DECIMAL:
        return f"0x{value:x}"
    if isinstance(value, bool | int | str):
        return str(value)
    if isinstance(value, Shape | ShapeCastable):
        return f"{Shape.cast(value).width} bits"
    if isinstance(value, tuple | list):
        texts = [_value_text(each) for each in value]
        if all(text is not None for text in texts):
            return f"({', '.join(str(text) for text in texts)})"
    return None
