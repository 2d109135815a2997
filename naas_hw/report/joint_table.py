"""The network searched with its accelerator, beside rivals that search less at a time.

All get the resources of one preset, the same accuracy floor, and (one after the other) at least as
many searches of layers as the joint search of the same seed. CPU seconds are those of this machine;
each search has worker processes of its own, so that theirs are counted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, log, sqrt
from typing import Final

from naas_hw.accuracy.oracle import AccuracyOracle
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.presets import Preset
from naas_hw.joint.joint_search import BRED_SHARE, search_jointly
from naas_hw.joint.settings import JointSettings, Mode
from naas_hw.parallel.cpu_time import cpu_seconds
from naas_hw.report.baselines import array_text, idle_positions
from naas_hw.report.search_cost import search_cost_text
from naas_hw.search.accelerator_search import search
from naas_hw.search.baseline import evaluate_baseline
from naas_hw.search.network_search import NetworkResult, distinct_layers
from naas_hw.search.objective import geometric_mean
from naas_hw.search.processes import worker_processes
from naas_hw.spaces.space import Space
from naas_hw.workload.network import Network

RESNET50_TOP1_PERCENT: Final = 76.1
"""torchvision's V1 weights on ImageNet, published with them; measured, not estimated."""

NAAS_EDP: Final = (4.4, 4.88)
NAAS_TOP1_GAIN: Final = 2.7
NAAS_BEYOND_NHAS: Final = 3.01
"""Lin, Yang, Han: NAAS, DAC 2021: EDP of ResNet50 on Eyeriss by that of what was found (abstract,
text), its accuracy above ResNet50's in points, and the EDP of NHAS by that of a search of
accelerator and mapping."""


@dataclass(frozen=True, kw_only=True)
class JointRow:
    """One way of searching, with one seed.

    Members
    -------
    top1_percent : `is_estimate` says whether optimistically estimated or published.
    num_layers : searches of the mappings of a layer on an accelerator, before the final ones.
    cpu_seconds : of this process and its workers.
    """

    way: str
    seed: int
    top1_percent: float
    is_estimate: bool
    accelerator: Accelerator
    found: NetworkResult
    num_layers: int
    cpu_seconds: float

    @property
    def edp(self) -> float:
        """Cycles times picojoules."""
        return self.found.report.edp


@dataclass(frozen=True, kw_only=True)
class JointContest:
    """What is compared: a space, a preset's resources, a floor, and how much is searched."""

    space: Space
    oracle: AccuracyOracle
    preset: Preset
    reference: Network
    settings: JointSettings
    num_seeds: int
    num_processes: int

    @property
    def seeds(self) -> range:
        """The first is that of the settings."""
        first = self.settings.accelerators.seed
        return range(first, first + self.num_seeds)

    def seeded(self, seed: int, mode: Mode) -> JointSettings:
        """The settings with another seed and mode."""
        return JointSettings(
            networks=self.settings.networks.model_copy(update={"seed": seed}),
            accelerators=replace(self.settings.accelerators, seed=seed),
            mode=mode,
        )


Tell = Callable[[JointRow], None]

FIXED: Final = "the network itself on the preset, mappings of its dataflow"
SEARCHED: Final = "the network itself on the preset, mappings searched"
ACCELERATOR_ONLY: Final = "accelerator only"
NETWORK_ONLY: Final = "network only"
SIZING: Final = "network and sizing (as NHAS)"
ONE_AFTER_THE_OTHER: Final = "one after the other"
JOINT: Final = "joint"


def measure_joint(contest: JointContest, tell: Tell | None = None) -> list[JointRow]:
    """All ways with all seeds; the preset itself once."""
    rows: list[JointRow] = []

    def add(row: JointRow) -> None:
        rows.append(row)
        if tell is not None:
            tell(row)

    for row in _preset_rows(contest):
        add(row)
    for seed in contest.seeds:
        add(_accelerator_only(contest, seed))
        add(_jointly(contest, NETWORK_ONLY, contest.seeded(seed, Mode.NETWORK_ONLY)))
        add(_jointly(contest, SIZING, _sizing_only(contest, seed)))
        joint = _jointly(contest, JOINT, contest.seeded(seed, Mode.JOINT))
        add(joint)
        add(_jointly(contest, ONE_AFTER_THE_OTHER, _as_much(contest, seed, joint)))
    return rows


def _preset_rows(contest: JointContest) -> Iterator[JointRow]:
    accelerators = contest.settings.accelerators
    before = cpu_seconds()
    with worker_processes(contest.num_processes) as executor:
        baseline = evaluate_baseline(
            contest.preset,
            contest.reference,
            accelerators.final_settings(contest.preset.budget),
            executor=executor,
        )
    spent = cpu_seconds() - before
    for way, found, seconds in ((FIXED, baseline.fixed, 0.0), (SEARCHED, baseline.searched, spent)):
        yield JointRow(
            way=way,
            seed=accelerators.seed,
            top1_percent=RESNET50_TOP1_PERCENT,
            is_estimate=False,
            accelerator=contest.preset.accelerator,
            found=found,
            num_layers=len(distinct_layers([contest.reference])),
            cpu_seconds=seconds,
        )


def _accelerator_only(contest: JointContest, seed: int) -> JointRow:
    settings = replace(contest.settings.accelerators, seed=seed)
    before = cpu_seconds()
    with worker_processes(contest.num_processes) as executor:
        result = search([contest.reference], contest.preset.budget, settings, executor=executor)
    return JointRow(
        way=ACCELERATOR_ONLY,
        seed=seed,
        top1_percent=RESNET50_TOP1_PERCENT,
        is_estimate=False,
        accelerator=result.accelerator,
        found=result.networks[0],
        num_layers=result.num_candidates * len(distinct_layers([contest.reference])),
        cpu_seconds=cpu_seconds() - before,
    )


def _sizing_only(contest: JointContest, seed: int) -> JointSettings:
    """Networks, and accelerators with the preset's parallel dims; mappings are searched."""
    settings = contest.seeded(seed, Mode.JOINT)
    dims = tuple(axis.dim for axis in contest.preset.accelerator.axes)
    return replace(settings, accelerators=replace(settings.accelerators, fixed_dims=dims))


def _as_much(contest: JointContest, seed: int, joint: JointRow) -> JointSettings:
    """One after the other, with at least as many searches of layers as the joint search had.

    Its second half searches the layers of one network for each accelerator, so it gets more of
    these.
    """
    settings = contest.seeded(seed, Mode.ONE_AFTER_THE_OTHER)
    accelerators = settings.accelerators
    layers = len(distinct_layers([joint.found.network]))
    half = max(1, ceil(joint.num_layers / (layers * accelerators.population)))
    return replace(settings, accelerators=replace(accelerators, generations=2 * half))


def _jointly(contest: JointContest, way: str, settings: JointSettings) -> JointRow:
    before = cpu_seconds()
    result = search_jointly(
        contest.space,
        contest.oracle,
        contest.preset.budget,
        settings,
        num_processes=contest.num_processes,
    )
    if result.interrupted:
        raise KeyboardInterrupt
    return JointRow(
        way=way,
        seed=settings.accelerators.seed,
        top1_percent=result.top1_percent,
        is_estimate=True,
        accelerator=result.accelerator,
        found=result.found,
        num_layers=result.num_layers,
        cpu_seconds=cpu_seconds() - before,
    )


# Markdown ----------------------------------------------------------------------------------------


def joint_markdown(contest: JointContest, rows: Sequence[JointRow]) -> str:
    """What is compared, a line a way and seed, and what the joint search is worth."""
    return "\n".join((*_head(contest), "", *_table(rows), "", *_ratios(contest, rows)))


def _head(contest: JointContest) -> Iterator[str]:
    settings, preset = contest.settings, contest.preset
    accelerators, networks = settings.accelerators, settings.networks
    num_accelerators = accelerators.population * accelerators.generations
    yield (
        f"Networks of `{contest.space.name}` with a top-1 of {networks.min_top1_percent:g} % at "
        f"least ({contest.oracle.worth.label}), beside {contest.reference.name} "
        f"({RESNET50_TOP1_PERCENT} %, torchvision's V1 weights), under the resources of "
        f"`{preset.accelerator.name}`. {num_accelerators} accelerators, "
        f"{networks.population * networks.generations} networks bred for those of a generation "
        f"that do best with the best networks before ({BRED_SHARE:.3g} of it at most), "
        f"{accelerators.mapping_evaluations} mappings a layer, then the best with "
        f"{accelerators.final_effort} times as many and branch and bound; energies of "
        f"`{preset.budget.energy_table}`. *One after the other*: a network for the preset, then an "
        "accelerator for that network, with at least as many searches of layers as the joint "
        "search of the seed. All figures of cost are exact; accuracies of networks of the space "
        "are estimates."
    )


def _table(rows: Sequence[JointRow]) -> Iterator[str]:
    fixed = next(row for row in rows if row.way == FIXED)
    yield (
        "| what is searched | seed | top-1 | array | cycles | energy, uJ | EDP, J cycles | "
        "EDP of the preset by it | layers searched | CPU s |"
    )
    yield "|---|---:|---:|---|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        report = row.found.report
        top1 = (
            f"{row.top1_percent:.2f} % (estimate)" if row.is_estimate else f"{row.top1_percent} %"
        )
        yield (
            f"| {row.way} | {row.seed} | {top1} | {array_text(row.accelerator)} | "
            f"{report.cycles:,} | {report.energy_pj / 1e6:,.1f} | {row.edp / 1e12:,.1f} | "
            f"{fixed.edp / row.edp:.2f} | {row.num_layers:,} | {row.cpu_seconds:,.0f} |"
        )


def _ratios(contest: JointContest, rows: Sequence[JointRow]) -> Iterator[str]:
    fixed, searched = (next(row for row in rows if row.way == way) for way in (FIXED, SEARCHED))
    joint = {row.seed: row for row in rows if row.way == JOINT}
    mean = geometric_mean([row.edp for row in joint.values()])
    gain = sum(row.top1_percent for row in joint.values()) / len(joint) - RESNET50_TOP1_PERCENT
    low, high = NAAS_EDP
    yield (
        f"EDP of {fixed.found.network.name} on the preset by that of the joint search, geometric "
        f"mean over seeds: {fixed.edp / mean:.2f} with fixed and {searched.edp / mean:.2f} with "
        f"searched mappings of the preset, at {gain:+.1f} points of accuracy (estimated beside "
        f"measured); NAAS: {low} (abstract) or {high} (text), at {NAAS_TOP1_GAIN:+} points."
    )
    yield ""
    yield from _why(contest, fixed)
    yield "| rival | its EDP by that of the joint search, mean over seeds | from | to |"
    yield "|---|---:|---:|---:|"
    for way in (ACCELERATOR_ONLY, NETWORK_ONLY, SIZING, ONE_AFTER_THE_OTHER):
        ratios = [row.edp / joint[row.seed].edp for row in rows if row.way == way]
        yield f"| {way} | {geometric_mean(ratios):.3f} | {min(ratios):.3f} | {max(ratios):.3f} |"
    seconds = sum(row.cpu_seconds for row in joint.values()) / len(joint)
    yield ""
    yield _verdict([r.edp / joint[r.seed].edp for r in rows if r.way == ONE_AFTER_THE_OTHER])
    yield ""
    yield f"A joint search on this machine: {search_cost_text(seconds)}."


def _why(contest: JointContest, fixed: JointRow) -> Iterator[str]:
    """Why the ratio to the preset is what it is, where a kernel axis leaves rows idle."""
    idle = idle_positions(contest.reference, contest.preset)
    if idle:
        used = fixed.found.utilization(contest.preset.accelerator)
        yield f"With fixed mappings {used:.1%} of the preset's PEs are at work. {idle}"
        yield ""


def _verdict(ratios: Sequence[float]) -> str:
    """What the seeds say of the joint search beside one after the other."""
    logs = [log(ratio) for ratio in ratios]
    mean = sum(logs) / len(logs)
    spread = sqrt(sum((value - mean) ** 2 for value in logs) / max(1, len(logs) - 1))
    better = sum(ratio > 1 for ratio in ratios)
    return (
        f"Beside one after the other the joint search is {abs(exp(mean) - 1):.1%} "
        f"{'better' if mean >= 0 else 'worse'} (standard deviation over seeds {spread:.1%}), "
        f"better on {better} of {len(ratios)} seeds."
    )
