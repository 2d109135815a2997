"""A mapping read from Timeloop's files, of either version.

Understood is what `timeloop_mapping` writes, whoever wrote it: levels DRAM, GlobalBuffer and
PEBuffer, loops K (or M) C P Q R S, N of one trip, G around all, remainders. A tensor may pass by a
level that saves it nothing (`bypass`). What the hardware cannot do is refused by name.
"""

import re
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from naas_hw.core.errors import InputError
from naas_hw.exchange.bypass import TimeloopNest, why_held
from naas_hw.exchange.levels import INNER_TO_OUTER, Factor, Level, covered
from naas_hw.exchange.timeloop_format import BATCH, DRAM, GLOBAL_BUFFER, GROUP, PE, PE_BUFFER
from naas_hw.exchange.timeloop_mapping import ORDERS, TARGETS
from naas_hw.exchange.timeloop_problem_reader import TENSORS, ReadProblem, read_problem
from naas_hw.mapping.mapping import Mapping
from naas_hw.system.yaml_files import read_yaml, validate, validation_sentence
from naas_hw.workload.layer import DIMS, Dim

MAX_DIRECTIVES: Final = 32
_KNOWN: Final = (*DIMS, BATCH, GROUP)
_FACTOR: Final = re.compile(r"[\s,]*([A-Za-z]+)\s*=?\s*([0-9]{1,9})(?:,([0-9]{1,9}))?")
_LEVELS: Final = {
    (DRAM, "temporal"): Level.DRAM,
    (GLOBAL_BUFFER, "temporal"): Level.L2,
    (PE_BUFFER, "temporal"): Level.PE,
    (GLOBAL_BUFFER, "spatial"): Level.SPATIAL,
    (PE, "spatial"): Level.SPATIAL,
}
_STORES: Final = ("bypass", "datatype", "dataspace")
_ONE: Final = Factor(1, 1)


def _joined(separator: str) -> BeforeValidator:
    """A list of texts as one text."""

    def join(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        if not all(isinstance(part, str) for part in value):
            raise ValueError(f"must be text or a list of texts, not {value!r:.60}")
        return separator.join(value)

    return BeforeValidator(join)


class _Directive(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    type: Literal["temporal", "spatial", "bypass", "datatype", "dataspace"]
    factors: Annotated[str, _joined(" "), Field(max_length=1000)] = ""
    permutation: Annotated[str, _joined(""), Field(max_length=100)] = ""
    split: Annotated[int, Field(ge=0)] | None = None
    keep: list[str] = []
    bypass: list[str] = []


class _MappingFile(BaseModel):
    mapping: Annotated[list[_Directive], Field(min_length=1, max_length=MAX_DIRECTIVES)]


@dataclass(frozen=True, kw_only=True)
class ReadMapping:
    """A mapping, and what its file says beyond it.

    Parameters
    ----------
    mapping : ours.
    bounds : dim -> bound in the problem.
    tiles : dim -> trips of its DRAM loop, which ours leaves to the layer.
    groups : trips of G.
    problem : stride, dilation and kind of the layer.
    """

    mapping: Mapping
    problem: ReadProblem
    bounds: AbstractMapping[Dim, int]
    tiles: AbstractMapping[Dim, int]
    groups: int


def read_timeloop(mapping_path: str | Path, problem_path: str | Path) -> ReadMapping:
    """The mapping in one file (key `mapping`), of the problem in another (key `problem`).

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    problem, mapping = read_yaml(problem_path), read_yaml(mapping_path)
    return timeloop_mapping(mapping, problem, str(mapping_path), str(problem_path))


def timeloop_mapping(
    mapping: object, problem: object, mapping_source: str, problem_source: str
) -> ReadMapping:
    """The mapping in the content of two files, which the sources name in errors."""
    read = read_problem(problem, problem_source)
    directives = validate(_MappingFile, mapping, mapping_source).mapping
    return _mapping_of(directives, read, mapping_source)


def _mapping_of(directives: Sequence[_Directive], problem: ReadProblem, source: str) -> ReadMapping:
    loops: dict[Level, dict[str, Factor]] = {}
    orders: dict[str, tuple[Dim, ...]] = {}
    for index, directive in enumerate(directives):
        place = f"{source}: mapping[{index}]"
        if directive.type in _STORES:
            continue
        level = _level(directive, place)
        if level in loops:
            raise InputError(f"{place} must not give the loops of {directive.target} again")
        loops[level] = _factors(directive.factors, problem, f"{place}.factors")
        order = _permutation(directive.permutation, loops[level], problem, f"{place}.permutation")
        if level in ORDERS:
            orders[ORDERS[level]] = order
    for level in (Level.DRAM, Level.L2, Level.PE):
        if level not in loops:
            raise InputError(f"{source}: mapping must have the temporal loops of all three levels")
    loops.setdefault(Level.SPATIAL, dict.fromkeys(_KNOWN, _ONE))
    _check_products(loops, problem.bounds, source)
    _check_outer(loops, source)
    nest = TimeloopNest(
        problem=problem,
        loops=loops,
        dram_order=orders[ORDERS[Level.DRAM]],
        l2_order=orders[ORDERS[Level.L2]],
    )
    _check_stores(directives, nest, source)
    return ReadMapping(
        mapping=_read(loops, orders, source),
        problem=problem,
        bounds={dim: problem.bounds[dim] for dim in DIMS},
        tiles={dim: loops[Level.DRAM][dim].trips for dim in DIMS},
        groups=loops[Level.DRAM][GROUP].trips,
    )


def _check_stores(directives: Sequence[_Directive], nest: TimeloopNest, source: str) -> None:
    """A tensor may pass by a level of ours that saves it nothing."""
    for index, directive in enumerate(directives):
        if directive.type not in _STORES:
            continue
        place = f"{source}: mapping[{index}]"
        level = _LEVELS.get((directive.target, "temporal"))
        if level is None:
            known = ", ".join(TARGETS.values())
            raise InputError(f"{place}.target must be one of {known}, not {directive.target!r:.60}")
        for tensor in directive.bypass:
            if tensor not in TENSORS:
                known = ", ".join(TENSORS)
                raise InputError(f"{place}.bypass must name {known}, not {tensor!r:.60}")
            reason = why_held(nest, level, tensor)
            if reason is not None:
                raise InputError(
                    f"{place}.bypass must not have {tensor}: this hardware holds it in "
                    f"{directive.target}, and {reason}"
                )


def _level(directive: _Directive, place: str) -> Level:
    key = (directive.target, directive.type)
    if key not in _LEVELS:
        known = ", ".join(name for name, kind in _LEVELS if kind == directive.type)
        raise InputError(f"{place}.target must be one of {known}, not {directive.target!r:.60}")
    return _LEVELS[key]


def _factors(text: str, problem: ReadProblem, place: str) -> dict[str, Factor]:
    """Loop -> factor, of all loops; 0 stands for the whole bound."""
    factors: dict[str, Factor] = {}
    text, end = text.partition("#")[0], 0
    while text[end:].strip(" \t,"):
        match = _FACTOR.match(text, end)
        if match is None:
            raise InputError(f"{place} must be like P=7 or P=7,3, not {text[end:].strip()!r:.60}")
        dim = _known(match[1], problem, place)
        if dim in factors:
            raise InputError(f"{place} must have {match[1]} once")
        trips = int(match[2]) or problem.bounds[dim]
        last = trips if match[3] is None else int(match[3])
        if not 1 <= last <= trips:
            raise InputError(
                f"{place}: the remainder of {match[1]} must be 1 to {trips}, not {last}"
            )
        factors[dim] = Factor(trips, last)
        end = match.end()
    return dict.fromkeys(_KNOWN, _ONE) | factors


def _known(name: str, problem: ReadProblem, place: str) -> str:
    dim = problem.names.get(name, name)
    if dim not in _KNOWN:
        raise InputError(f"{place} must name loops of {' '.join(_KNOWN)}, not {name!r:.60}")
    return dim


def _permutation(
    text: str, factors: dict[str, Factor], problem: ReadProblem, place: str
) -> tuple[Dim, ...]:
    """Our dims, outermost first; loops of one trip that are not named are outermost."""
    order = tuple(_known(name, problem, place) for name in "".join(text.split()).replace(",", ""))
    for dim in _KNOWN:
        if order.count(dim) > 1 or (dim not in order and factors[dim].trips > 1):
            raise InputError(f"{place} must have {dim} once, not {order.count(dim)} times")
    if factors[GROUP].trips > 1:
        outside = order[order.index(GROUP) + 1 :]
        if any(factors[dim].trips > 1 for dim in outside):
            raise InputError(f"{place} must have G outermost, not inside {outside[-1]}")
    missing = [dim for dim in DIMS if dim not in order]
    return tuple(dim for dim in reversed((*order, *missing)) if dim in DIMS)


def _check_products(
    loops: dict[Level, dict[str, Factor]], bounds: AbstractMapping[str, int], source: str
) -> None:
    for dim, size in bounds.items():
        reached = covered([loops[level][dim] for level in INNER_TO_OUTER])
        if reached != size:
            raise InputError(
                f"{source}: mapping: the factors of {dim} must make its bound {size}, not {reached}"
            )


def _check_outer(loops: dict[Level, dict[str, Factor]], source: str) -> None:
    """The outermost loop of a dim is whole, and groups are nowhere else."""
    for dim, factor in loops[Level.DRAM].items():
        if factor.is_ragged:
            raise InputError(
                f"{source}: mapping: {dim} must have no remainder at {DRAM}, not {factor.last}"
            )
    for level in (Level.L2, Level.SPATIAL, Level.PE):
        if loops[level][GROUP].trips > 1:
            raise InputError(f"{source}: mapping: G must be at {DRAM}, not inside it")


def _read(
    loops: dict[Level, dict[str, Factor]], orders: dict[str, tuple[Dim, ...]], source: str
) -> Mapping:
    def bounds(level: Level) -> dict[str, int]:
        return {dim: loops[level][dim].trips for dim in DIMS}

    try:
        return Mapping.model_validate(
            {
                **orders,
                "l2": bounds(Level.L2),
                "pe": bounds(Level.PE),
                "spatial": bounds(Level.SPATIAL),
            }
        )
    except ValidationError as error:
        raise InputError(f"{source}: mapping: {validation_sentence(error)}") from error
