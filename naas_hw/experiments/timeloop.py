"""Our counts of accesses beside Timeloop's for the same nests, each difference with its cause.

A cause says by how much Timeloop's count differs, as a number that follows from the nest alone. A
count is *explained* if Timeloop's, with its causes applied, is ours to the last access.
"""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Annotated, Any, Final

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import OUTPUT_DIMS, REDUCTION_DIMS, Accelerator, Axis
from naas_hw.core.errors import InputError
from naas_hw.cost.reference.accesses import Accesses, accesses_of
from naas_hw.cost.reference.pieces import existing
from naas_hw.exchange.timeloop_reader import ReadMapping, timeloop_mapping
from naas_hw.exchange.windows import num_places
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.system.json_files import read_json
from naas_hw.system.yaml_files import parse_yaml, validate, validation_sentence
from naas_hw.workload.layer import DIMS, Dim, Kind, Layer

WEIGHT_DIMS: Final[tuple[Dim, ...]] = ("K", "C", "R", "S")
BEAT: Final = 4
"""Elements of a row in the cases: 64 bits of 16."""

DRAM, L2, PE, MAC = "DRAM", "GlobalBuffer", "PEBuffer", "mac"
WEIGHTS, INPUTS, OUTPUTS = "Weights", "Inputs", "Outputs"

CAUSES: Final = {
    "whole words": "We move whole words of B elements. A step's weights in a PE, or the channels "
    "of a pixel, in DRAM too, that do not fill the last word count in full.",
    "sliding window": "Where a window moves by less than its size along the innermost loop of a "
    "level, Timeloop counts what is new; our buffers are filled anew.",
    "gaps": "A 1x1 kernel with a stride reads some pixels only, and so do we; Timeloop's tiles are "
    "all that lies between the first and the last.",
    "halo": "An input that several PEs need is one read of ours, one for each PE of Timeloop's.",
    "links": "With its links, Timeloop passes inputs from PE to PE: fewer reads of L2, and a read "
    "of a PE's buffer for each. We have no such links.",
    "trees": "We add the products of a reduction axis before the accumulator, Timeloop after it: "
    "its buffers hold a sum in each PE of that axis.",
    "first read": "Timeloop's elision of first reads is off in this case. We never read a sum that "
    "is not there.",
    "sums join on the way": "Ours are added to those in L2 when they are drained; Timeloop brings "
    "them back into the PEs first.",
    "draining": "We read each sum when it is drained, and begin every visit anew; Timeloop's drain "
    "reads nothing, and a visit goes on from what was brought back.",
}


_MAX_CASES_BYTES: Final = 16 * 1024 * 1024


class _Texts(BaseModel):
    map: str
    prob: str


class _Case(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(max_length=200)]
    env: dict[str, str]
    files: _Texts = Field(alias="yaml")
    compute_cycles: int
    accesses: dict[str, dict[str, Any]]
    networks: dict[str, dict[str, dict[str, Any]]]


class _CaseFile(BaseModel):
    tool: str
    version: str
    cases: Annotated[list[Any], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, kw_only=True)
class TimeloopCount:
    """One count of ours beside Timeloop's, in elements, all instances together.

    Parameters
    ----------
    tensor : empty for what the array does.
    explained : Timeloop's after `causes`.
    """

    level: str
    tensor: str
    count: str
    ours: int
    theirs: int
    explained: Fraction
    causes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the causes explain all of the difference."""
        return self.ours == self.explained


@dataclass(frozen=True, kw_only=True)
class ComparedCase:
    """All counts of one nest."""

    name: str
    comparisons: tuple[TimeloopCount, ...]

    @property
    def ok(self) -> bool:
        """Whether every count is explained."""
        return all(entry.ok for entry in self.comparisons)


@dataclass(frozen=True, kw_only=True)
class RefusedCase:
    """A case that could not be compared; says why in a sentence."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ComparedFile:
    """All cases of a file.

    Parameters
    ----------
    tool : its name and version.
    """

    tool: str
    cases: tuple[ComparedCase, ...]
    refused: tuple[RefusedCase, ...]

    @property
    def ok(self) -> bool:
        """Whether every count of every case is explained."""
        return not self.refused and all(case.ok for case in self.cases)


def compare_with_timeloop(path: Path) -> ComparedFile:
    """Our counts beside those in a file of Timeloop's; a case that is wrong ends no other.

    Raises
    ------
    InputError : the file is not such a file, in one sentence.
    """
    file = validate(_CaseFile, _read_json(path), str(path))
    cases = [_compared(case, index) for index, case in enumerate(file.cases)]
    return ComparedFile(
        tool=f"{file.tool} {file.version}",
        cases=tuple(case for case in cases if isinstance(case, ComparedCase)),
        refused=tuple(case for case in cases if isinstance(case, RefusedCase)),
    )


def _compared(data: Any, index: int) -> ComparedCase | RefusedCase:
    name = f"cases[{index}]"
    try:
        case = validate(_Case, data, name)
        name = case.name
        return ComparedCase(name=name, comparisons=tuple(_compare(_Nest(case))))
    except InputError as error:
        return RefusedCase(name=name, reason=str(error))
    except pydantic.ValidationError as error:
        return RefusedCase(name=name, reason=validation_sentence(error))
    except (LookupError, AttributeError, TypeError, ValueError, ArithmeticError) as error:
        return RefusedCase(name=name, reason=f"it must have all counts, as numbers: {error!r}")


def _read_json(path: Path) -> object:
    return read_json(path, max_bytes=_MAX_CASES_BYTES)


class _Nest:
    """A case as our values, and Timeloop's counts of it."""

    def __init__(self, case: _Case) -> None:
        self.case = case
        self.geometry = _geometry(case)
        self.ours: Accesses = accesses_of(self.geometry)

    def theirs(self, level: str, tensor: str, count: str) -> int:
        """A count of Timeloop's, all instances together."""
        counts = self.case.accesses[level]["tensors"][tensor]
        return int(counts[f"{count}_per_instance"] * counts["instances"])

    @property
    def elides_first_reads(self) -> bool:
        """Whether the first visit of an output reads nothing."""
        return self.case.env.get("TIMELOOP_ENABLE_FIRST_READ_ELISION") != "0"

    @property
    def links(self) -> int:
        """Inputs passed from PE to PE."""
        return int(self.case.networks[f"{L2} <==> {PE}"][INPUTS]["Link transfers"])

    @property
    def tree(self) -> int:
        """Products that a tree adds."""
        return prod(self.geometry.mapping.spatial[dim] for dim in REDUCTION_DIMS)

    @property
    def sharing(self) -> int:
        """PEs that get the same input."""
        spatial = self.geometry.mapping.spatial
        return prod(spatial[dim] for dim in DIMS if dim not in self.geometry.input_dims)

    @property
    def num_outputs(self) -> int:
        """Outputs of the layer."""
        layer = self.geometry.layer
        return layer.groups * layer.K * layer.P * layer.Q


def _geometry(case: _Case) -> Geometry:
    mapping, problem = (
        parse_yaml(text, kind)
        for kind, text in (("its mapping", case.files.map), ("its problem", case.files.prob))
    )
    read = timeloop_mapping(mapping, problem, "its mapping", "its problem")
    layer = _layer(read)
    used = {dim: read.mapping.spatial[dim] for dim in DIMS}
    accelerator = Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in used.items() if size > 1)
        or (Axis(dim="K", size=1),),
        weight_buffer_bytes=65536,  # sizes of memories change no count
        input_buffer_bytes=65536,
        accumulator_words=65536,
        bank_bytes=256 * 1024,
        beat_bytes=BEAT,
        weight_lanes=1,
        input_lanes=1,
    )
    return Geometry(accelerator=accelerator, layer=layer, mapping=read.mapping)


def _layer(read: ReadMapping) -> Layer:
    """The layer of a problem, with an image that its windows just cover."""
    bounds, problem = read.bounds, read.problem
    height, width = (
        (bounds[out] - 1) * problem.stride[place]
        + (bounds[kernel] - 1) * problem.dilation[place]
        + 1
        for place, (out, kernel) in enumerate(_WINDOWS)
    )
    return Layer(
        name="layer",
        kind=Kind.DEPTHWISE if problem.is_depthwise else Kind.CONV,
        **{str(dim): bounds[dim] for dim in DIMS},
        height=height,
        width=width,
        stride=problem.stride,
        dilation=problem.dilation,
        groups=read.groups,
    )


_WINDOWS: Final[tuple[tuple[Dim, Dim], ...]] = (("P", "R"), ("Q", "S"))
"""Output and kernel dims of rows, and of columns."""

_MOVING: Final[dict[Dim, int]] = {"P": 0, "R": 0, "Q": 1, "S": 1}
"""Loop -> along which it moves the input's window: rows (0) or columns (1)."""

Step = tuple[str, Callable[[Fraction], Fraction]]
"""A cause, and what it makes of Timeloop's count."""


def _compare(nest: _Nest) -> Iterator[TimeloopCount]:
    ours, sums = nest.ours, nest.geometry.accelerator.drain_lanes
    yield from _array(nest)
    words, window, first = _whole_weights(nest), _sliding_steps(nest), _first_read(nest)
    tiles = (_sliding_tiles(nest), _gaps(nest), _whole_channels(nest))
    outputs = _whole_outputs(nest)
    reads = (_without_links(nest), window, _halo(nest), _whole_pixels(nest))

    def row(level: str, tensor: str, count: str, our: int, *steps: Step) -> TimeloopCount:
        theirs = nest.theirs(level, tensor, count)
        explained, causes = _applied(theirs, steps)
        return TimeloopCount(
            level=level,
            tensor=tensor,
            count=count,
            ours=our,
            theirs=theirs,
            explained=explained,
            causes=causes,
        )

    yield row(DRAM, WEIGHTS, "reads", ours.dram_weights * BEAT, words)
    yield row(DRAM, INPUTS, "reads", ours.dram_inputs * BEAT, *tiles)
    yield row(DRAM, OUTPUTS, "reads", ours.dram_sums_in * sums, first, outputs)
    sent = ours.dram_outputs * BEAT + ours.dram_sums_out * sums
    yield row(DRAM, OUTPUTS, "updates", sent, outputs)
    yield row(L2, WEIGHTS, "fills", ours.l2_load_weights * BEAT, words)
    yield row(L2, INPUTS, "fills", ours.l2_load_inputs * BEAT, *tiles)
    yield row(L2, OUTPUTS, "fills", ours.l2_load_sums * sums, first, outputs)
    yield row(L2, WEIGHTS, "reads", ours.l2_fill_weights * BEAT, words)
    yield row(L2, INPUTS, "reads", ours.l2_fill_inputs * BEAT, *reads)
    yield row(L2, OUTPUTS, "reads", ours.l2_drain_sums * sums, first)
    yield row(L2, OUTPUTS, "updates", ours.l2_drain * sums)
    yield row(PE, WEIGHTS, "fills", ours.l1_weight_writes)
    yield row(PE, INPUTS, "fills", ours.l1_input_writes, window)
    brought_back = nest.theirs(L2, OUTPUTS, "reads") * nest.tree
    yield row(PE, OUTPUTS, "fills", 0, ("sums join on the way", lambda n: n - brought_back))
    yield row(PE, WEIGHTS, "reads", ours.l1_weight_reads)
    yield row(PE, INPUTS, "reads", ours.l1_input_reads, _links(nest))
    yield row(PE, OUTPUTS, "reads", ours.accumulator_reads, _tree(nest), _draining(nest))
    yield row(PE, OUTPUTS, "updates", ours.accumulator_writes, _tree(nest))


def _array(nest: _Nest) -> Iterator[TimeloopCount]:
    """Products, and the cycles of the array if nothing ever waits."""
    geometry, case = nest.geometry, nest.case
    cycles = geometry.layer.groups * geometry.num_steps * geometry.compute_cycles
    products = int(case.accesses[MAC]["computes_total"])
    for count, ours, theirs in (
        ("computes", nest.ours.macs, products),
        ("cycles", cycles, case.compute_cycles),
    ):
        yield TimeloopCount(
            level=MAC,
            tensor="",
            count=count,
            ours=ours,
            theirs=theirs,
            explained=Fraction(theirs),
            causes=(),
        )


def _applied(theirs: int, steps: Sequence[Step]) -> tuple[Fraction, tuple[str, ...]]:
    """The count after all causes, and those that change it."""
    value, causes = Fraction(theirs), []
    for cause, change in steps:
        changed = change(value)
        if changed != value:
            causes.append(cause)
        value = changed
    return value, tuple(causes)


def _times(cause: str, numerator: int, denominator: int) -> Step:
    return cause, lambda count: count * numerator / denominator


def _whole_weights(nest: _Nest) -> Step:
    geometry = nest.geometry
    held = geometry.weight_bytes * prod(geometry.mapping.spatial[dim] for dim in WEIGHT_DIMS)
    return _times("whole words", geometry.weight_step_words * BEAT, held)


def _whole_pixels(nest: _Nest) -> Step:
    """Words that the channels of a pixel touch, step by step: they may begin inside a word."""
    geometry = nest.geometry
    dim = geometry.channel_dim
    steps = geometry.mapping.l2[dim]
    touched = sum(map(geometry.input_words_per_pixel, range(steps)))
    return _times("whole words", touched * BEAT, steps * geometry.step[dim])


def _whole_channels(nest: _Nest) -> Step:
    """Channels of the input tiles, in blocks."""
    geometry = nest.geometry
    dim = geometry.channel_dim
    tiles = [existing(geometry, dim, index) for index in range(geometry.num_tiles[dim])]
    return _times("whole words", sum(map(geometry.blocks, tiles)) * BEAT, sum(tiles))


def _whole_outputs(nest: _Nest) -> Step:
    """Channels of the outputs, in blocks."""
    geometry = nest.geometry
    return _times("whole words", geometry.blocks(geometry.layer.K) * BEAT, geometry.layer.K)


def _sliding_steps(nest: _Nest) -> Step:
    """Windows of the steps, along the innermost loop outside the array."""
    geometry = nest.geometry
    mapping = geometry.mapping
    trips = {dim: mapping.l2[dim] for dim in DIMS}
    if max(trips.values()) == 1:
        return _sliding(
            geometry, mapping.dram_order, geometry.num_tiles, geometry.step, geometry.window
        )
    return _sliding(geometry, mapping.l2_order, trips, geometry.step, geometry.window)


def _sliding_tiles(nest: _Nest) -> Step:
    """Windows of the tiles, along the innermost DRAM loop."""
    geometry = nest.geometry
    order, trips = geometry.mapping.dram_order, geometry.num_tiles
    return _sliding(geometry, order, trips, geometry.tile, geometry.tile_image)


def _sliding(
    geometry: Geometry,
    order: Sequence[Dim],
    trips: AbstractMapping[Dim, int],
    extent: AbstractMapping[Dim, int],
    window: tuple[int, int],
) -> Step:
    """Along the innermost loop, windows of which all but the first share a part with the last."""
    inner = [dim for dim in order if trips[dim] > 1]
    dim: Dim = inner[-1] if inner else "K"
    if dim not in _MOVING:
        return _times("sliding window", 1, 1)
    place, factors = (
        _MOVING[dim],
        geometry.stride if dim in OUTPUT_DIMS else geometry.layer.dilation,
    )
    size = window[place]
    new = min(size, extent[dim] * factors[place])
    return _times("sliding window", trips[dim] * size, size + (trips[dim] - 1) * new)


def _gaps(nest: _Nest) -> Step:
    """Pixels that a strided 1x1 kernel reads, and all between them in a tile."""
    geometry = nest.geometry
    if not geometry.is_dense_pointwise:
        return _times("gaps", 1, 1)
    tile, stride = geometry.tile, geometry.layer.stride
    told = prod((tile[dim] - 1) * stride[_MOVING[dim]] + 1 for dim in ("P", "Q"))
    return _times("gaps", tile["P"] * tile["Q"], told)


def _halo(nest: _Nest) -> Step:
    """Pixels of a step's image, and those of the windows of all PEs with other inputs."""
    geometry = nest.geometry
    windows = prod(geometry.window)
    for place, (out, kernel) in enumerate(_WINDOWS):
        windows *= _num_windows(geometry, out, kernel, place)
    return _times("halo", prod(geometry.step_image), windows)


def _num_windows(geometry: Geometry, out: Dim, kernel: Dim, place: int) -> int:
    """How many PEs along rows or columns have windows that begin at another pixel."""
    pe, spatial = geometry.mapping.pe, geometry.mapping.spatial
    return num_places(
        spatial[out],
        pe[out] * geometry.stride[place],
        spatial[kernel],
        pe[kernel] * geometry.layer.dilation[place],
    )


def _links(nest: _Nest) -> Step:
    """What PEs read for their neighbours; Timeloop gives each PE a whole share of it."""
    instances = int(nest.case.accesses[PE]["tensors"][INPUTS]["instances"])
    return "links", lambda count: count - ceil_div(nest.links, instances) * instances


def _without_links(nest: _Nest) -> Step:
    return "links", lambda count: count + Fraction(nest.links, nest.sharing)


def _first_read(nest: _Nest) -> Step:
    extra = 0 if nest.elides_first_reads else nest.num_outputs
    return "first read", lambda count: count - extra


def _tree(nest: _Nest) -> Step:
    return _times("trees", 1, nest.tree)


def _draining(nest: _Nest) -> Step:
    """Every visit of a sum has one read more; all visits but the first, one less at their start.

    With elision off Timeloop reads at the start of the first visit too: then none is left over.
    """
    extra = nest.num_outputs if nest.elides_first_reads else 0
    return "draining", lambda count: count + extra


# ---------------------------------------------------------------- the text


def timeloop_markdown(compared: ComparedFile) -> str:
    """The section of the document: what was compared, the causes, a table for each nest."""
    tool, cases = compared.tool, compared.cases
    entries = [entry for case in cases for entry in case.comparisons]
    equal = sum(entry.ours == entry.theirs for entry in entries)
    left = sum(not entry.ok for entry in entries)
    lines = [
        f"{len(cases)} nests with the counts of {tool}, read from its own mapping and problem; "
        f"{len(entries)} counts, in elements, all instances together. {equal} are equal; of the "
        f"others {'none' if not left else left} differ by more than the causes beside them "
        f"explain, to the last access. The cycles are those in which the array computes. What "
        f"Timeloop does not have (scales, descriptors) is not compared, nor are whole times: its "
        f"cycles know bandwidth, and no latency.",
        "",
        *(f"- *{cause}*: {CAUSES[cause]}" for cause in _used(entries)),
    ]
    if compared.refused:
        lines += ["", "Not compared:", ""]
        lines += [f"- `{case.name}`: {case.reason}" for case in compared.refused]
    for names, case in _distinct(cases).values():
        lines += ["", f"`{'`, `'.join(names)}`:", "", *_table(case)]
    return "\n".join(lines)


def _used(entries: Sequence[TimeloopCount]) -> list[str]:
    return [cause for cause in CAUSES if any(cause in entry.causes for entry in entries)]


def _distinct(
    cases: Sequence[ComparedCase],
) -> AbstractMapping[tuple[TimeloopCount, ...], tuple[list[str], ComparedCase]]:
    """Cases with the same counts together, in their order."""
    distinct: dict[tuple[TimeloopCount, ...], tuple[list[str], ComparedCase]] = {}
    for case in cases:
        distinct.setdefault(case.comparisons, ([], case))[0].append(case.name)
    return distinct


def _table(case: ComparedCase) -> list[str]:
    lines = ["| level | tensor | count | ours | Timeloop | cause |", "|---|---|---|---:|---:|---|"]
    for entry in case.comparisons:
        cause = ", ".join(entry.causes) + ("" if entry.ok else " **(not explained)**")
        lines.append(
            f"| {entry.level} | {entry.tensor} | {entry.count} | {entry.ours:,} | "
            f"{entry.theirs:,} | {cause.strip()} |"
        )
    return lines
