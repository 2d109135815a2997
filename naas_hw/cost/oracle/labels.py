"""Labels in place of data: what each step needs by its indices, and what the buffers hold.

Changes, visits and last visits are found here by comparing labels, not by the rules of `Geometry`.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from naas_hw.cost.reference.pieces import Step
from naas_hw.mapping.geometry import NUM_LEVEL_POSITIONS
from naas_hw.workload.layer import Dim

Sums = frozenset[tuple[Hashable, Hashable, int]]
"""(place, output, visit) of outputs."""


class HazardError(Exception):
    """A buffer does not hold what its reader needs, or an engine waits for ever."""


@dataclass(frozen=True)
class _Label:
    """What a buffer holds, and whether all of it has arrived."""

    content: Hashable
    complete: bool


class BufferLabels:
    """Labels of all halves of all buffers, by (buffer, half or word), and pending accesses."""

    def __init__(self) -> None:
        self._labels: dict[Hashable, _Label] = {}
        self._reads: defaultdict[int, list[tuple[Hashable, Hashable, str]]] = defaultdict(list)
        self._writes: defaultdict[int, list[tuple[Hashable, _Label]]] = defaultdict(list)

    def read(self, cycle: int, place: Hashable, content: Hashable, reader: str) -> None:
        """Let the reader need a content in this cycle."""
        self._reads[cycle].append((place, content, reader))

    def write(self, cycle: int, place: Hashable, content: Hashable, complete: bool) -> None:
        """Let a place hold a content behind this cycle."""
        self._writes[cycle].append((place, _Label(content, complete)))

    def need(self, place: Hashable, content: Hashable, reader: str) -> None:
        """Raise a `HazardError` if a place does not hold all of a content now."""
        label = self._labels.get(place)
        if label != _Label(content, True):
            raise HazardError(f"{reader} needs {content} in {place}, not {label}")

    def pass_cycle(self, cycle: int) -> None:
        """Do the accesses of this cycle: a read sees the labels from before the writes."""
        for wanted in self._reads.pop(cycle, []):
            self.need(*wanted)
        for place, label in self._writes.pop(cycle, []):
            self._labels[place] = label

    def pass_rest(self) -> None:
        """Do the remaining reads."""
        for cycle in sorted(self._reads):
            for wanted in self._reads[cycle]:
                self.need(*wanted)


@dataclass(frozen=True)
class Work:
    """What one step needs, found by comparing labels."""

    weight_tile: Hashable
    input_tile: Hashable
    scale_tile: Hashable
    weights: Hashable
    inputs: Hashable
    output: Hashable
    place: Hashable
    output_tile: Hashable
    weight_half: int
    input_half: int
    weight_tile_half: int
    input_tile_half: int
    scale_run: int
    accumulator_run: int
    output_run: int
    visit: int
    is_last_visit: bool
    opens_weights: bool
    opens_inputs: bool
    opens_accumulators: bool
    opens_outputs: bool
    opens_tile: bool
    opens_scales: bool


class _Labels(NamedTuple):
    """The loop indices on which each thing depends that a step needs."""

    weights: tuple[int, ...]
    inputs: tuple[int, ...]
    output: tuple[int, ...]
    weight_tile: tuple[int, ...]
    input_tile: tuple[int, ...]
    output_tile: tuple[int, ...]
    scale_tile: tuple[int, ...]
    tile: tuple[int, ...]


def work_of(steps: list[Step], dims: tuple[Dim, ...], is_depthwise: bool) -> list[Work]:
    """What each step needs; see `run_event_model`."""
    labels = [_labels_of(step, dims, is_depthwise) for step in steps]
    runs = dict.fromkeys(_Labels._fields, -1)
    visits: Counter[Hashable] = Counter()
    total_visits = Counter(output for output, _ in groupby(now.output for now in labels))
    works: list[Work] = []
    for before, now in zip([None, *labels], labels, strict=False):
        opened = {
            name: before is None or getattr(before, name) != label
            for name, label in now._asdict().items()
        }
        runs = {name: run + opened[name] for name, run in runs.items()}
        visits[now.output] += opened["output"]
        visit = visits[now.output]
        works.append(_work(now, runs, opened, visit, is_last=visit == total_visits[now.output]))
    return works


def _labels_of(step: Step, dims: tuple[Dim, ...], is_depthwise: bool) -> _Labels:
    def label(wanted: tuple[str, ...], positions: int) -> tuple[int, ...]:
        return tuple(step.indices[k] for k in range(positions) if dims[k] in wanted)

    inner, outer = 2 * NUM_LEVEL_POSITIONS, NUM_LEVEL_POSITIONS
    channel = "K" if is_depthwise else "C"
    weights, inputs, outputs = ("K", "C", "R", "S"), (channel, "P", "Q", "R", "S"), ("K", "P", "Q")
    return _Labels(
        weights=label(weights, inner),
        inputs=label(inputs, inner),
        output=label(outputs, inner),
        weight_tile=label(weights, outer),
        input_tile=label(inputs, outer),
        output_tile=label(outputs, outer),
        scale_tile=label(("K",), outer),
        tile=step.indices[:outer],
    )


def _work(
    now: _Labels, runs: dict[str, int], opened: dict[str, bool], visit: int, *, is_last: bool
) -> Work:
    return Work(
        weight_tile=now.weight_tile,
        input_tile=now.input_tile,
        scale_tile=now.scale_tile,
        weights=now.weights,
        inputs=now.inputs,
        output=now.output,
        place=now.output[len(now.output_tile) :],
        output_tile=now.output_tile,
        weight_half=runs["weights"] % 2,
        input_half=runs["inputs"] % 2,
        weight_tile_half=runs["weight_tile"] % 2,
        input_tile_half=runs["input_tile"] % 2,
        scale_run=runs["scale_tile"],
        accumulator_run=runs["output"],
        output_run=runs["output_tile"],
        visit=visit,
        is_last_visit=is_last,
        opens_weights=opened["weights"],
        opens_inputs=opened["inputs"],
        opens_accumulators=opened["output"],
        opens_outputs=opened["output_tile"],
        opens_tile=opened["tile"],
        opens_scales=opened["scale_tile"],
    )


def sums_before(work: list[Work], run: int) -> Sums:
    """All outputs of an output run, as they were before it."""
    first = {(w.place, w.output): w.visit for w in reversed(work) if w.output_run == run}
    return frozenset((*where, visit - 1) for where, visit in first.items())


def sums_behind(work: list[Work], run: int) -> Sums:
    """All outputs of an output run, as it leaves them."""
    last = {(w.place, w.output): w.visit for w in work if w.output_run == run}
    return frozenset((*where, visit) for where, visit in last.items())


def check_flags(steps: list[Step], work: list[Work]) -> None:
    """Raise a `HazardError` if what the walk says of a step is not what its labels say."""
    last_of_run = {one.accumulator_run: i for i, one in enumerate(work)}
    tile_visits: dict[Hashable, set[int]] = {}
    last_visit = {one.output_tile: one.output_run for one in work}
    has_residual = any(step.adds_residual for step in steps)
    for i, (step, one) in enumerate(zip(steps, work, strict=True)):
        seen = tile_visits.setdefault(one.output_tile, set())
        seen.add(one.output_run)
        said = (
            step.weights_changed,
            step.inputs_changed,
            step.opens_accumulator_run,
            step.opens_output_run,
            step.opens_scale_run,
            step.load is not None,
            step.revisit,
            step.reload,
            step.adds_residual,
            step.closes_accumulator_run,
        )
        due = (
            one.opens_weights,
            one.opens_inputs,
            one.opens_accumulators,
            one.opens_outputs,
            one.opens_scales,
            one.opens_tile,
            one.visit > 1,
            len(seen) > 1,
            has_residual and one.output_run == last_visit[one.output_tile],
            last_of_run[one.accumulator_run] == i,
        )
        if said != due:
            raise HazardError(f"step {i} must have the flags {due}, not {said}")
