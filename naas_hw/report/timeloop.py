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

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator, Axis
from naas_hw.cost.accesses import Accesses, accesses_of
from naas_hw.errors import InputError
from naas_hw.exchange.timeloop_reader import timeloop_mapping
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.workload.json_edge import read_json
from naas_hw.workload.layer import DIMS, Layer
from naas_hw.workload.yaml_edge import parse_yaml, validate

BEAT: Final = 4
"""Elements of a row in the cases: 64 bits of 16."""

DRAM, L2, PE, MAC = "DRAM", "GlobalBuffer", "PEBuffer", "mac"
WEIGHTS, INPUTS, OUTPUTS = "Weights", "Inputs", "Outputs"

CAUSES: Final = {
    "whole words": "We move whole words of B elements. A step's weights in a PE, or the channels "
    "of a pixel, that do not fill the last word count in full.",
    "sliding window": "Where a window moves by less than its size along the innermost loop of L2, "
    "Timeloop counts what is new; our buffers are filled anew.",
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
    cases: Annotated[list[_Case], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, kw_only=True)
class Comparison:
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
    comparisons: tuple[Comparison, ...]

    @property
    def ok(self) -> bool:
        """Whether every count is explained."""
        return all(entry.ok for entry in self.comparisons)


def compare_with_timeloop(path: Path) -> tuple[str, tuple[ComparedCase, ...]]:
    """(tool and version, cases) of a file of Timeloop's counts.

    Raises
    ------
    InputError : the file is not such a file, in one sentence.
    """
    file = validate(_CaseFile, _read_json(path), str(path))
    compared = tuple(_compared(case, str(path)) for case in file.cases)
    return f"{file.tool} {file.version}", compared


def _compared(case: _Case, source: str) -> ComparedCase:
    nest = _Nest(case, source)
    try:
        return ComparedCase(name=case.name, comparisons=tuple(_compare(nest)))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source}: case {case.name} must have all counts: {error!r}") from error


def _read_json(path: Path) -> object:
    return read_json(path, max_bytes=_MAX_CASES_BYTES)


class _Nest:
    """A case as our values, and Timeloop's counts of it."""

    def __init__(self, case: _Case, source: str) -> None:
        self.case = case
        self.geometry = _geometry(case, f"{source}: case {case.name}")
        self.ours: Accesses = accesses_of(self.geometry)

    def theirs(self, level: str, tensor: str, count: str) -> int:
        """A count of Timeloop's, all instances together."""
        found = self.case.accesses[level]["tensors"][tensor]
        return int(found[f"{count}_per_instance"] * found["instances"])

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
        return layer.K * layer.P * layer.Q


def _geometry(case: _Case, source: str) -> Geometry:
    mapping, problem = (
        parse_yaml(text, f"{source}, {kind}")
        for kind, text in (("mapping", case.files.map), ("problem", case.files.prob))
    )
    read = timeloop_mapping(mapping, problem, f"{source}, mapping", f"{source}, problem")
    bounds = read.bounds
    layer = Layer(
        name="layer",
        **{str(dim): bounds[dim] for dim in DIMS},
        height=bounds["P"] + bounds["R"] - 1,
        width=bounds["Q"] + bounds["S"] - 1,
    )
    used = {dim: read.mapping.spatial[dim] for dim in DIMS}
    accelerator = Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in used.items() if size > 1),
        weight_buffer_bytes=65536,  # sizes of memories change no count
        input_buffer_bytes=65536,
        accumulator_words=65536,
        bank_bytes=256 * 1024,
        beat_bytes=BEAT,
        weight_lanes=1,
        input_lanes=1,
    )
    return Geometry(accelerator=accelerator, layer=layer, mapping=read.mapping)


Step = tuple[str, Callable[[Fraction], Fraction]]
"""A cause, and what it makes of Timeloop's count."""


def _compare(nest: _Nest) -> Iterator[Comparison]:
    ours, sums = nest.ours, nest.geometry.accelerator.drain_lanes
    yield from _array(nest)
    words, window, first = _whole_weights(nest), _sliding(nest), _first_read(nest)
    reads = (_without_links(nest), window, _halo(nest), _whole_pixels(nest))

    def row(level: str, tensor: str, count: str, our: int, *steps: Step) -> Comparison:
        theirs = nest.theirs(level, tensor, count)
        explained, causes = _applied(theirs, steps)
        return Comparison(
            level=level,
            tensor=tensor,
            count=count,
            ours=our,
            theirs=theirs,
            explained=explained,
            causes=causes,
        )

    yield row(DRAM, WEIGHTS, "reads", ours.dram_weights * BEAT, words)
    yield row(DRAM, INPUTS, "reads", ours.dram_inputs * BEAT)
    yield row(DRAM, OUTPUTS, "reads", ours.dram_sums_in * sums, first)
    yield row(DRAM, OUTPUTS, "updates", ours.dram_outputs * BEAT)
    yield row(L2, WEIGHTS, "fills", ours.l2_load_weights * BEAT, words)
    yield row(L2, INPUTS, "fills", ours.l2_load_inputs * BEAT)
    yield row(L2, OUTPUTS, "fills", ours.l2_load_sums * sums, first)
    yield row(L2, WEIGHTS, "reads", ours.l2_fill_weights * BEAT, words)
    yield row(L2, INPUTS, "reads", ours.l2_fill_inputs * BEAT, *reads)
    yield row(L2, OUTPUTS, "reads", ours.l2_drain_sums * sums, first)
    yield row(L2, OUTPUTS, "updates", ours.l2_drain * sums)
    yield row(PE, WEIGHTS, "fills", ours.l1_weight_writes)
    yield row(PE, INPUTS, "fills", ours.l1_input_writes, window)
    brought_back = nest.theirs(L2, OUTPUTS, "reads") * nest.tree
    yield row(PE, OUTPUTS, "fills", 0, ("sums join on the way", lambda n: n - brought_back))
    yield row(PE, WEIGHTS, "reads", ours.l1_weight_reads)
    yield row(PE, INPUTS, "reads", ours.l1_input_reads, ("links", lambda n: n - nest.links))
    yield row(PE, OUTPUTS, "reads", ours.accumulator_reads, _tree(nest), _draining(nest))
    yield row(PE, OUTPUTS, "updates", ours.accumulator_writes, _tree(nest))


def _array(nest: _Nest) -> Iterator[Comparison]:
    """Products, and the cycles of the array if nothing ever waits."""
    geometry, case = nest.geometry, nest.case
    cycles = geometry.num_steps * geometry.compute_cycles
    products = int(case.accesses[MAC]["computes_total"])
    for count, ours, theirs in (
        ("computes", nest.ours.macs, products),
        ("cycles", cycles, case.compute_cycles),
    ):
        yield Comparison(
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
    step = nest.geometry.weight_bytes * nest.geometry.weight_groups
    return _times("whole words", ceil_div(step, BEAT) * BEAT, step)


def _whole_pixels(nest: _Nest) -> Step:
    channels = nest.geometry.step[nest.geometry.channel_dim]
    return _times("whole words", ceil_div(channels, BEAT) * BEAT, channels)


def _sliding(nest: _Nest) -> Step:
    """Along the innermost L2 loop, `trips` windows of which all but the first share a part."""
    geometry = nest.geometry
    rows, columns = geometry.window
    inner = [dim for dim in geometry.mapping.l2_order if geometry.mapping.l2[dim] > 1]
    dim = inner[-1] if inner else "K"
    size, other = {"P": (rows, columns), "Q": (columns, rows)}.get(dim, (1, 1))
    moved = geometry.step[dim] * geometry.stride[dim == "Q"]
    new = min(size, moved) if dim in ("P", "Q") else size
    trips = geometry.mapping.l2[dim]
    return _times("sliding window", trips * size * other, (size + (trips - 1) * new) * other)


def _halo(nest: _Nest) -> Step:
    """Pixels of a step's image, and those of the windows of all PEs with other inputs."""
    geometry = nest.geometry
    spatial = geometry.mapping.spatial
    windows = prod(geometry.window) * prod(spatial[dim] for dim in ("P", "Q", "R", "S"))
    return _times("halo", prod(geometry.step_image), windows)


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


def timeloop_markdown(tool: str, cases: Sequence[ComparedCase]) -> str:
    """The section of the document: what was compared, the causes, a table for each nest."""
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
    for names, case in _distinct(cases).values():
        lines += ["", f"`{'`, `'.join(names)}`:", "", *_table(case)]
    return "\n".join(lines)


def _used(entries: Sequence[Comparison]) -> list[str]:
    return [cause for cause in CAUSES if any(cause in entry.causes for entry in entries)]


def _distinct(
    cases: Sequence[ComparedCase],
) -> AbstractMapping[tuple[Comparison, ...], tuple[list[str], ComparedCase]]:
    """Cases with the same counts together, in their order."""
    found: dict[tuple[Comparison, ...], tuple[list[str], ComparedCase]] = {}
    for case in cases:
        found.setdefault(case.comparisons, ([], case))[0].append(case.name)
    return found


def _table(case: ComparedCase) -> list[str]:
    lines = ["| level | tensor | count | ours | Timeloop | cause |", "|---|---|---|---:|---:|---|"]
    for entry in case.comparisons:
        cause = ", ".join(entry.causes) + ("" if entry.ok else " **(not explained)**")
        lines.append(
            f"| {entry.level} | {entry.tensor} | {entry.count} | {entry.ours:,} | "
            f"{entry.theirs:,} | {cause.strip()} |"
        )
    return lines
