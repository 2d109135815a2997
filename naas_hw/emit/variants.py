"""Names of modules that are one component with different parameters, and what heads a module."""

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from amaranth.hdl import Shape, ShapeCastable

from naas_hw.emit.netlist import NetlistModule
from naas_hw.emit.platform import PREFIX, snake_case
from naas_hw.rtl.primitives.shared import SharedComponent

_MAX_HEADER: Final = 110
_MAX_DECIMAL: Final = 10**8
"""What is larger is no count but a pattern of bits, like a digest."""
_MAX_NAMES: Final = 4
"""Names that are all part of the name of a variant."""


def variant_names(components: Mapping[str, SharedComponent]) -> dict[str, str]:
    """A name for each definition: its component, and the parameters that tell it from its variants.

    These are names that parameters hold, like those of the levels of a box, with numbers where
    names do not tell all variants apart. A definition may have several users: none names it.

    Parameters
    ----------
    components : definition -> component.
    """
    groups: dict[str, list[str]] = {}
    for name, component in components.items():
        groups.setdefault(PREFIX + snake_case(type(component).__name__), []).append(name)
    names: dict[str, str] = {}
    for stem, members in groups.items():
        if len(members) == 1:
            names[members[0]] = stem
            continue
        endings = _endings([components[member].named_parameters for member in members])
        names |= {m: f"{stem}_{ending}" for m, ending in zip(members, endings, strict=True)}
    return names


def _endings(variants: Sequence[Mapping[str, object]]) -> list[str]:
    """`row_column` or `w96_d8` of each variant: the first way in which all have different ones."""
    for word_of in (_names, _names_or_number, _names_and_numbers):
        endings = _by_parameters(variants, word_of)
        if len(set(endings)) == len(endings) and all(endings):
            return endings
    return [str(number) for number in range(1, len(variants) + 1)]


def _by_parameters(
    variants: Sequence[Mapping[str, object]], word_of: Callable[[str, object], str]
) -> list[str]:
    """The words of those parameters that differ."""
    names = list(variants[0])
    initials = [_initials(name) for name in names]
    letters = dict(zip(names, initials if len(set(initials)) == len(names) else names, strict=True))
    words = [{name: word_of(letters[name], each[name]) for name in names} for each in variants]
    differing = [name for name in names if len({each[name] for each in words}) > 1]
    return ["_".join(each[name] for name in differing if each[name]) for each in words]


def _names(letters: str, value: object) -> str:
    """The names in a parameter, of many the first and the last."""
    if isinstance(value, str):
        return value
    if not isinstance(value, tuple):
        return ""
    names = [word for each in value if (word := _names("", _first(each)))]
    return "_".join(names if len(names) <= _MAX_NAMES else (names[0], "to", names[-1]))


def _names_or_number(letters: str, value: object) -> str:
    """The names in a parameter, or what it counts: `d8`."""
    number = _number(value)
    return _names(letters, value) if number is None else f"{letters}{number}"


def _names_and_numbers(letters: str, value: object) -> str:
    """All names and numbers in a parameter."""
    if not isinstance(value, tuple):
        return _names_or_number(letters, value)
    words = (_names_and_numbers("", each) for each in value)
    return letters + "_".join(word for word in words if word)


def _first(value: object) -> object:
    return value[0] if isinstance(value, tuple) and value else value


def _number(value: object) -> int | None:
    if isinstance(value, Shape | ShapeCastable):
        return int(Shape.cast(value).width)
    return int(value) if isinstance(value, int) else None


def _initials(name: str) -> str:
    if name == "shape":
        return "w"
    return "".join(word[0] for word in name.split("_"))


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
