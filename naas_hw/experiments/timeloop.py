"""Our counts of accesses beside Timeloop's for the same nests, each difference with its cause.

A cause says by how much Timeloop's count differs, as a number that follows from the nest alone. A
count is *explained* if Timeloop's, with its causes applied, is ours to the last access.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final

import pydantic
from pydantic import BaseModel, Field

from naas_hw.core.errors import InputError
from naas_hw.experiments import timeloop_causes as causes
from naas_hw.experiments.timeloop_causes import CAUSES, Step
from naas_hw.experiments.timeloop_nest import (
    BEAT,
    DRAM,
    INPUTS,
    L2,
    MAC,
    OUTPUTS,
    PE,
    WEIGHTS,
    CountedCase,
    CountedNest,
)
from naas_hw.system.json_files import read_json
from naas_hw.system.yaml_files import validate, validation_sentence

_MAX_CASES_BYTES: Final = 16 * 1024 * 1024


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
        case = validate(CountedCase, data, name)
        name = case.name
        return ComparedCase(name=name, comparisons=tuple(_compare(CountedNest(case))))
    except InputError as error:
        return RefusedCase(name=name, reason=str(error))
    except pydantic.ValidationError as error:
        return RefusedCase(name=name, reason=validation_sentence(error))
    except (LookupError, AttributeError, TypeError, ValueError, ArithmeticError) as error:
        return RefusedCase(name=name, reason=f"it must have all counts, as numbers: {error!r}")


def _read_json(path: Path) -> object:
    return read_json(path, max_bytes=_MAX_CASES_BYTES)


def _compare(nest: CountedNest) -> Iterator[TimeloopCount]:
    ours, sums = nest.ours, nest.geometry.accelerator.sum_lanes
    yield from _array(nest)
    words, window, first = (
        causes.whole_weights(nest),
        causes.sliding_steps(nest),
        causes.first_read(nest),
    )
    tiles = (causes.sliding_tiles(nest), causes.gaps(nest), causes.whole_channels(nest))
    outputs = causes.whole_outputs(nest)
    reads = (causes.without_links(nest), window, causes.halo(nest), causes.whole_pixels(nest))

    def row(level: str, tensor: str, count: str, our: int, *steps: Step) -> TimeloopCount:
        theirs = nest.theirs(level, tensor, count)
        explained, named = causes.applied(theirs, steps)
        return TimeloopCount(
            level=level,
            tensor=tensor,
            count=count,
            ours=our,
            theirs=theirs,
            explained=explained,
            causes=named,
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
    yield row(PE, INPUTS, "reads", ours.l1_input_reads, causes.links(nest))
    yield row(
        PE, OUTPUTS, "reads", ours.accumulator_reads, causes.tree(nest), causes.draining(nest)
    )
    yield row(PE, OUTPUTS, "updates", ours.accumulator_writes, causes.tree(nest))


def _array(nest: CountedNest) -> Iterator[TimeloopCount]:
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
