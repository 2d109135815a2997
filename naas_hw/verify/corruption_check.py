"""Corrupted descriptors on the RTL: what becomes of each, and whether the next start is exact."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch import timing
from naas_hw.compiler.images import unpack_activations
from naas_hw.compiler.layout import SLOT_BYTES
from naas_hw.compiler.program import LayerTask, Program, build_program, layer_descriptor
from naas_hw.core.errors import InputError
from naas_hw.driver.program_file import WATCHDOG_FACTOR
from naas_hw.mapping.geometry import ceil_div
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import RANGE_BYTES
from naas_hw.rtl.control.status import FINDINGS
from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.search.processes import worker_processes
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import Prediction, counts_of, predict_layer
from naas_hw.sim.registers import REGISTERS, list_writes
from naas_hw.sim.run import BenchResult, Start, run_starts
from naas_hw.sim.simulators import Simulator
from naas_hw.verify.case import Case
from naas_hw.verify.corruption import Corruption, draw_corruption
from naas_hw.verify.corruption_report import CorruptionOutcome, CorruptReport, CorruptResult
from naas_hw.verify.random_case import CASES_PER_HARDWARE, draw_cases
from naas_hw.workload.arithmetic.golden import reference_output
from naas_hw.workload.arithmetic.quantise import random_quantised_layer

MAX_CORRUPTIONS: Final = 1_000_000
MAX_CYCLES: Final = 8_000
"""Predicted cycles of the longest layer whose descriptor is corrupted."""

PER_HARDWARE: Final = 100
MAX_HARDWARE: Final = 9  # with four layers each: fewer than the draw fills every bin from
MAX_IMAGE_BYTES: Final = 1 << 25

_BURST_BEATS: Final = 256
_QUEUED_BURSTS: Final = 20


def verify_corrupt(
    num_corruptions: int,
    seed: int,
    *,
    simulator: Simulator,
    num_processes: int = 1,
    progress: Callable[[CorruptResult], None] | None = None,
) -> CorruptReport:
    """Corrupt descriptors of random layers, run each, and a good one behind each.

    Parameters
    ----------
    num_corruptions : descriptors, half of them with a checksum that is right again.
    seed : of layers, tensors and corruptions.
    num_processes : accelerators that are simulated at a time.
    progress : told of each that has ended, in any order.

    Raises
    ------
    InputError : a number out of range.
    ToolError, SimulationError : a tool is missing, or a simulator failed.
    """
    if not 1 <= num_corruptions <= MAX_CORRUPTIONS:
        raise InputError(f"corruptions must be 1 to {MAX_CORRUPTIONS}, not {num_corruptions}")
    if not 0 <= seed < 1 << 63:
        raise InputError(f"seed must be 0 to 2**63 - 1, not {seed}")
    shares = _shares(num_corruptions, seed)
    results: list[CorruptResult] = []
    for results_of_share in _run_shares(shares, simulator, seed, num_processes):
        results += results_of_share
        if progress is not None:
            for result in results_of_share:
                progress(result)
    results.sort(key=lambda result: result.index)
    return CorruptReport(
        simulator=f"{simulator.name} {simulator.version}", seed=seed, results=tuple(results)
    )


@dataclass(frozen=True, kw_only=True)
class _Share:
    """Layers of one accelerator, and which corruptions are theirs."""

    cases: tuple[Case, ...]
    first: int
    number: int


def _shares(num_corruptions: int, seed: int) -> list[_Share]:
    num_hardware = min(MAX_HARDWARE, ceil_div(num_corruptions, PER_HARDWARE))
    draw = draw_cases(num_hardware * CASES_PER_HARDWARE, seed, max_cycles=MAX_CYCLES)
    bounds = [num_corruptions * i // num_hardware for i in range(num_hardware + 1)]
    return [
        _Share(
            cases=tuple(drawn.case for drawn in group),
            first=bounds[i],
            number=bounds[i + 1] - bounds[i],
        )
        for i, group in enumerate(draw.groups)
    ]


def _run_shares(
    shares: Sequence[_Share], simulator: Simulator, seed: int, num_processes: int
) -> Iterator[list[CorruptResult]]:
    with worker_processes(min(num_processes, len(shares))) as executor:
        if executor is None:
            for share in shares:
                yield run_share(share, simulator=simulator, seed=seed)
            return
        futures: list[Future[list[CorruptResult]]] = [
            executor.submit(run_share, share, simulator=simulator, seed=seed) for share in shares
        ]
        for future in as_completed(futures):
            yield future.result()


def run_share(share: _Share, *, simulator: Simulator, seed: int) -> list[CorruptResult]:
    """All corruptions of one accelerator's layers; what runs in a worker."""
    hardware = generate(share.cases[0].accelerator)
    results: list[CorruptResult] = []
    for number, case in enumerate(share.cases):
        begin, end = (
            share.first + share.number * i // len(share.cases) for i in (number, number + 1)
        )
        victim = _Victim.of(hardware, case, seed)
        while begin < end:
            size = min(end - begin, victim.most_at_once)
            results += _run_chunk(victim, range(begin, begin + size), simulator, seed)
            begin += size
    return results


@dataclass(frozen=True, kw_only=True, eq=False)
class _Victim:
    """A layer whose descriptor is corrupted, with what has to come out of it."""

    hardware: Hardware
    case: Case
    program: Program
    expected: NDArray[np.int8]
    prediction: Prediction

    @classmethod
    def of(cls, hardware: Hardware, case: Case, seed: int) -> "_Victim":
        tensors = random_quantised_layer(
            case.layer, layer_generator(seed, case.accelerator, case.layer)
        )
        task = LayerTask(layer=case.layer, mapping=case.mapping, tensors=tensors)
        return cls(
            hardware=hardware,
            case=case,
            program=build_program(case.accelerator, [task], identity=hardware.identity),
            expected=reference_output(case.layer, tensors),
            prediction=predict_layer(case.accelerator, case.layer, case.mapping),
        )

    @property
    def region_bytes(self) -> int:
        """Of what a start may write."""
        first, end = self.program.writable
        return end - first

    @property
    def most_at_once(self) -> int:
        """Corruptions whose results fit into one image of memory."""
        return max(1, MAX_IMAGE_BYTES // (2 * (self.region_bytes + SLOT_BYTES)))

    def descriptor(self, region: int) -> bytes:
        """The right descriptor of a start that writes to a region."""
        (mine,) = self.program.regions
        distance = region - self.program.writable[0]
        moved = {
            name: (first + distance, end + distance)
            if name in ("outputs", "sums")
            else (first, end)
            for name, (first, end) in mine.items()
        }
        return layer_descriptor(
            self.case.accelerator, self.program.tasks[0], moved, identity=self.hardware.identity
        )

    def wrong_bytes(self, memory: NDArray[np.uint8], region: int) -> int:
        """Bytes of the output in a region that are not the golden convolution's."""
        layer = self.case.layer
        first, end = (region + at - self.program.writable[0] for at in self.program.outputs[0])
        outputs = unpack_activations(
            memory[first:end], (layer.K, layer.P, layer.Q), self.case.accelerator.beat_bytes
        )
        return int(np.count_nonzero(outputs != self.expected))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Chunk:
    """Corrupted and good starts in turn, each with a slot and a region of its own in one image."""

    image: NDArray[np.uint8]
    corruptions: tuple[Corruption, ...]
    slots: tuple[int, ...]
    regions: tuple[int, ...]
    starts: tuple[Start, ...]


def _plan_chunk(victim: _Victim, indices: range, seed: int) -> _Chunk:
    number = 2 * len(indices)
    first_slot = victim.program.image.size
    first_region = first_slot + ceil_div(number * SLOT_BYTES, RANGE_BYTES) * RANGE_BYTES
    slots = tuple(first_slot + i * SLOT_BYTES for i in range(number))
    regions = tuple(first_region + i * victim.region_bytes for i in range(number))
    image = np.zeros(first_region + number * victim.region_bytes, np.uint8)
    image[: victim.program.image.size] = victim.program.image
    layout = victim.program.layout
    corruptions = []
    for i, (slot, region) in enumerate(zip(slots, regions, strict=True)):
        descriptor = victim.descriptor(region)
        if i % 2 == 0:
            rng = np.random.default_rng((seed, indices[i // 2]))
            corruptions.append(
                draw_corruption(descriptor, layout, rng, is_mended=indices[i // 2] % 2 == 1)
            )
            descriptor = corruptions[-1].descriptor
        image[slot : slot + len(descriptor)] = np.frombuffer(descriptor, np.uint8)
    return _Chunk(
        image=image,
        corruptions=tuple(corruptions),
        slots=slots,
        regions=regions,
        starts=tuple(
            _start(victim, slot, region) for slot, region in zip(slots, regions, strict=True)
        ),
    )


def _start(victim: _Victim, slot: int, region: int) -> Start:
    writable = (region, region + victim.region_bytes)
    return Start(
        writes=(
            (REGISTERS["interrupt_status"], 0b11),
            *list_writes(
                descriptors=slot,
                num_descriptors=1,
                writable=writable,
                watchdog_cycles=WATCHDOG_FACTOR * victim.prediction.cycles,
            ),
        ),
        reads=(REGISTERS["status"], *(REGISTERS[f"{name}_low"] for name in COUNTERS)),
        writable=writable,
    )


def _run_chunk(
    victim: _Victim, indices: range, simulator: Simulator, seed: int
) -> list[CorruptResult]:
    chunk = _plan_chunk(victim, indices, seed)
    a = victim.case.accelerator
    results = run_starts(
        victim.hardware.build(),
        simulator=simulator,
        starts=chunk.starts,
        dram_image=chunk.image,
        latency=a.dram_latency_cycles,
        period=a.dram_beat_period_cycles,
        cycle_limit=_cycle_limit(victim),
    )
    memory = results[0].dram
    is_contained = np.array_equal(memory[: chunk.regions[0]], chunk.image[: chunk.regions[0]])
    outcomes = []
    for i, (index, corruption) in enumerate(zip(indices, chunk.corruptions, strict=True)):
        bad, good = results[2 * i], results[2 * i + 1]
        is_right = not victim.wrong_bytes(memory, chunk.regions[2 * i])
        outcome = CorruptionOutcome.OUTSIDE
        if is_contained:
            outcome = _outcome_of(bad, corruption, is_right=is_right)
        outcomes.append(
            CorruptResult(
                index=index,
                kind=corruption.kind,
                what=_words(corruption, victim.case),
                outcome=outcome,
                status=_status_of(bad),
                next_status=f"{good.status}, status {_status_of(good):#x}",
                cycle_difference=abs(good.cycles - victim.prediction.cycles),
                count_difference=_count_difference(victim.prediction, good),
                output_mismatches=victim.wrong_bytes(memory, chunk.regions[2 * i + 1]),
            )
        )
    return outcomes


def _status_of(result: BenchResult) -> int:
    """The status register; -1 where it did not answer."""
    return result.registers.get(REGISTERS["status"], -1)


def _count_difference(prediction: Prediction, good: BenchResult) -> int:
    counted = counts_of(good)
    return max(abs(counted[name] - expected) for name, expected in prediction.counts.items())


def _cycle_limit(victim: _Victim) -> int:
    """Cycles after which a stopped layer has surely ended.

    The watchdog's limit and a unit, then all beats that were asked for, and those that were
    promised, one after the other.
    """
    a = victim.case.accelerator
    beats = timing.READ_AHEAD_BEATS + (1 + _QUEUED_BURSTS) * _BURST_BEATS
    limit = WATCHDOG_FACTOR * victim.prediction.cycles + timing.WATCHDOG_UNIT
    return limit + 2 * a.dram_latency_cycles + beats * a.dram_beat_period_cycles + 1000


def _outcome_of(bad: BenchResult, corruption: Corruption, *, is_right: bool) -> CorruptionOutcome:
    if bad.status != "done":
        return CorruptionOutcome.STUCK
    if bad.counters["writes_outside"]:
        return CorruptionOutcome.OUTSIDE
    status = bad.registers[REGISTERS["status"]]
    if status & sum(1 << error for error in FINDINGS):
        return CorruptionOutcome.REFUSED
    if status:
        return CorruptionOutcome.TOLD
    if is_right:
        return CorruptionOutcome.HARMLESS
    return (
        CorruptionOutcome.SILENT_VALID_CHECKSUM
        if corruption.is_mended
        else CorruptionOutcome.SILENT
    )


def _words(corruption: Corruption, case: Case) -> str:
    checksum = "checksum made right" if corruption.is_mended else "checksum left wrong"
    array = case.accelerator.array_text
    return f"{corruption.kind} changed, {checksum}, {case.layer.kind.value} layer on {array}"
