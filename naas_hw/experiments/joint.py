"""The network searched with its accelerator, beside rivals that search less at a time.

All get the resources of one preset, the same accuracy floor, and (one after the other) at least as
many searches of layers as the joint search of the same seed. CPU seconds are those of this machine;
each search has worker processes of its own, so that theirs are counted.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from math import ceil, log, sqrt
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.presets import Preset
from naas_hw.experiments.edp import MANY_ARRAYS
from naas_hw.experiments.search_cost import search_cost_text
from naas_hw.nas.accuracy.oracle import AccuracyOracle, Evidence
from naas_hw.nas.joint.joint_search import BRED_SHARE, search_jointly
from naas_hw.nas.joint.settings import JointSettings, Mode
from naas_hw.nas.spaces.space import Space
from naas_hw.parallel.cpu_time import cpu_seconds
from naas_hw.search.accelerator.baseline import map_fixed
from naas_hw.search.accelerator.folded import FoldedResult, map_folded
from naas_hw.search.accelerator.search import search
from naas_hw.search.mapping.network_search import NetworkResult, map_network
from naas_hw.search.objective import geometric_mean
from naas_hw.search.processes import worker_processes
from naas_hw.workload.network import Network

RESNET50_TOP1_PERCENT: Final = 76.1
"""torchvision's V1 weights on ImageNet, published with them; measured, not estimated."""

NAAS_EDP: Final = (4.4, 4.88)
NAAS_BEYOND_NHAS: Final = 3.01
"""Lin, Yang, Han: NAAS, DAC 2021: EDP of ResNet50 on Eyeriss by that of what was found (abstract,
text), its accuracy above ResNet50's in points, and the EDP of NHAS by that of a search of
accelerator and mapping."""

MOST_BEHIND: Final = 0.01
"""What the joint search may be behind one after the other, in the mean over seeds."""


@dataclass(frozen=True, kw_only=True)
class JointRow:
    """One way of searching, with one seed.

    Members
    -------
    top1_percent : `evidence` says where it comes from.
    accelerator : None where each layer has an array of its own (*folded*).
    num_layers : searches of the mappings of a layer on an accelerator, before the final ones.
    cpu_seconds : of this process and its workers.
    """

    way: str
    seed: int
    top1_percent: float
    evidence: Evidence
    accelerator: Accelerator | None
    network_result: NetworkResult
    num_layers: int
    cpu_seconds: float

    @property
    def edp(self) -> float:
        """Cycles times picojoules."""
        return self.network_result.report.edp


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


RowCallback = Callable[[JointRow], None]

FIXED: Final = "the network itself on the preset, mappings of its dataflow"
SEARCHED: Final = "the network itself on the preset, mappings searched"
FOLDED: Final = "the network itself, *folded*"
ACCELERATOR_ONLY: Final = "accelerator only"
NETWORK_ONLY: Final = "network only"
SIZING: Final = "network and sizing (as NHAS)"
ONE_AFTER_THE_OTHER: Final = "one after the other"
JOINT: Final = "joint"


def measure_joint(contest: JointContest, progress: RowCallback | None = None) -> list[JointRow]:
    """All ways with all seeds; the preset itself, and *folded* where it folds, once."""
    rows: list[JointRow] = []

    def add(row: JointRow) -> None:
        rows.append(row)
        if progress is not None:
            progress(row)

    for row in _preset_rows(contest):
        add(row)
    for seed in contest.seeds:
        add(_accelerator_only(contest, seed))
        add(_jointly(contest, NETWORK_ONLY, contest.seeded(seed, Mode.NETWORK_ONLY)))
        add(_jointly(contest, SIZING, _sizing_only(contest, seed)))
        joint = _jointly(contest, JOINT, contest.seeded(seed, Mode.JOINT))
        add(joint)
        add(_one_after_the_other(contest, joint))
    return rows


def joint_holds(rows: Sequence[JointRow]) -> bool:
    """Whether the joint search is not behind one after the other by more than it may be."""
    return geometric_mean(_ratios_to_joint(rows, ONE_AFTER_THE_OTHER)) >= 1 - MOST_BEHIND


def _ratios_to_joint(rows: Sequence[JointRow], way: str) -> list[float]:
    """EDP of a way by that of the joint search of the same seed."""
    joint = {row.seed: row.edp for row in rows if row.way == JOINT}
    return [row.edp / joint[row.seed] for row in rows if row.way == way]


def _preset_rows(contest: JointContest) -> Iterator[JointRow]:
    """The network itself: on the preset, and on *folded* where the preset's chip folds."""
    preset, network = contest.preset, contest.reference
    settings = contest.settings.accelerators.final_settings(preset.budget)
    ways: dict[str, Callable[[Executor | None], NetworkResult]] = {
        FIXED: lambda _: map_fixed(
            preset.accelerator, network, preset.dataflow, table=settings.table
        ),
        SEARCHED: lambda pool: map_network(preset.accelerator, network, settings, executor=pool),
    }
    if preset.folding_dims:
        ways[FOLDED] = lambda pool: map_folded(preset, network, settings, executor=pool)
    for way, found_by in ways.items():
        before = cpu_seconds()
        with worker_processes(contest.num_processes) as executor:
            result = found_by(executor)
        yield JointRow(
            way=way,
            seed=settings.seed,
            top1_percent=RESNET50_TOP1_PERCENT,
            evidence=Evidence.MEASURED,
            accelerator=None if way == FOLDED else preset.accelerator,
            network_result=result,
            num_layers=(
                result.num_mapped
                if isinstance(result, FoldedResult)
                else len(network.distinct_layers)
            ),
            cpu_seconds=cpu_seconds() - before,
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
        evidence=Evidence.MEASURED,
        accelerator=result.accelerator,
        network_result=result.networks[0],
        num_layers=result.num_candidates * len(contest.reference.distinct_layers),
        cpu_seconds=cpu_seconds() - before,
    )


def _sizing_only(contest: JointContest, seed: int) -> JointSettings:
    """Networks, and accelerators with the preset's parallel dims; mappings are searched."""
    settings = contest.seeded(seed, Mode.JOINT)
    dims = tuple(axis.dim for axis in contest.preset.accelerator.axes)
    return replace(settings, accelerators=replace(settings.accelerators, fixed_dims=dims))


def _one_after_the_other(contest: JointContest, joint: JointRow) -> JointRow:
    """With at least as many searches of layers as the joint search of the seed had.

    Its second half searches the layers of one network for each accelerator, so it gets more of
    these: as many more until there are enough, each time from the start.
    """
    settings = contest.seeded(joint.seed, Mode.ONE_AFTER_THE_OTHER)
    accelerators = settings.accelerators
    layers = len(joint.network_result.network.distinct_layers)
    half = max(1, ceil(joint.num_layers / (layers * accelerators.population)))
    while True:
        longer = replace(accelerators, generations=2 * half)
        row = _jointly(contest, ONE_AFTER_THE_OTHER, replace(settings, accelerators=longer))
        if row.num_layers >= joint.num_layers:
            return row
        half = max(half + 1, ceil(half * joint.num_layers / row.num_layers))


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
        evidence=contest.oracle.source.evidence,
        accelerator=result.accelerator,
        network_result=result.network_result,
        num_layers=result.num_layers,
        cpu_seconds=cpu_seconds() - before,
    )


# Markdown ----------------------------------------------------------------------------------------


def joint_markdown(contest: JointContest, rows: Sequence[JointRow]) -> str:
    """What is compared, a line a way and seed, and what the joint search gains."""
    return "\n".join((*_head(contest), "", *_table(rows), "", *_ratios(contest, rows)))


def _head(contest: JointContest) -> Iterator[str]:
    settings, preset = contest.settings, contest.preset
    accelerators, networks = settings.accelerators, settings.networks
    num_accelerators = accelerators.population * accelerators.generations
    yield (
        f"Networks of `{contest.space.name}` with a top-1 of {networks.min_top1_percent:g} % at "
        f"least ({contest.oracle.source.label}), beside {contest.reference.name} "
        f"({RESNET50_TOP1_PERCENT} %, torchvision's V1 weights), under the resources of "
        f"`{preset.accelerator.name}`. {num_accelerators} accelerators, "
        f"{networks.population * networks.generations} networks bred for those that beat all "
        f"before with the best networks before ({BRED_SHARE:.3g} of a generation at most), "
        f"{accelerators.mapping_evaluations} mappings a layer, then the best with "
        f"{accelerators.final_effort} times as many and branch and bound; energies of "
        f"`{preset.budget.energy_table}`. *One after the other*: a network for the preset, then an "
        "accelerator for that network, with at least as many searches of layers as the joint "
        "search of the seed. All figures of cost are exact; accuracies of networks of the space "
        "are estimates."
    )


def _table(rows: Sequence[JointRow]) -> Iterator[str]:
    fixed = next(row for row in rows if row.way == FIXED)
    folded = next((row for row in rows if row.way == FOLDED), None)
    yield (
        "| what is searched | seed | top-1 | array | cycles | energy, uJ | EDP, J cycles | "
        "EDP of the preset by it | EDP of *folded* by it | layers searched | CPU s |"
    )
    yield "|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        report = row.network_result.report
        is_published = row.top1_percent == RESNET50_TOP1_PERCENT
        percent = row.top1_percent if is_published else f"{row.top1_percent:.2f}"
        top1 = f"{percent} % ({row.evidence})"
        array = MANY_ARRAYS if row.accelerator is None else row.accelerator.array_text
        beside_folded = "-" if folded is None else f"{folded.edp / row.edp:.2f}"
        yield (
            f"| {row.way} | {row.seed} | {top1} | {array} | "
            f"{report.cycles:,} | {report.energy_pj / 1e6:,.1f} | {row.edp / 1e12:,.1f} | "
            f"{fixed.edp / row.edp:.2f} | {beside_folded} | {row.num_layers:,} | "
            f"{row.cpu_seconds:,.0f} |"
        )


def _ratios(contest: JointContest, rows: Sequence[JointRow]) -> Iterator[str]:
    fixed, searched = (next(row for row in rows if row.way == way) for way in (FIXED, SEARCHED))
    joint = {row.seed: row for row in rows if row.way == JOINT}
    mean = geometric_mean([row.edp for row in joint.values()])
    low, high = NAAS_EDP
    folded = next((row for row in rows if row.way == FOLDED), None)
    beside = "" if folded is None else f", {folded.edp / mean:.2f} for *folded*"
    yield (
        f"EDP of {fixed.network_result.network.name} on the preset by that of the joint search, "
        f"geometric mean over seeds: {fixed.edp / mean:.2f} with fixed and "
        f"{searched.edp / mean:.2f} with searched mappings of the preset{beside}; "
        f"NAAS: {low} (abstract) or {high} (text)."
    )
    yield ""
    yield "| rival | its EDP by that of the joint search, mean over seeds | from | to | NAAS |"
    yield "|---|---:|---:|---:|---:|"
    for way in (ACCELERATOR_ONLY, NETWORK_ONLY, SIZING, ONE_AFTER_THE_OTHER):
        ratios = _ratios_to_joint(rows, way)
        theirs = f"{NAAS_BEYOND_NHAS} (accelerator and mapping only)" if way == SIZING else "-"
        yield (
            f"| {way} | {geometric_mean(ratios):.3f} | {min(ratios):.3f} | {max(ratios):.3f} | "
            f"{theirs} |"
        )
    yield ""
    yield (
        "Network only searches on one array, so it needs fewer searches of layers than the joint "
        "search, and accelerator only has one network: both have as many generations, not as many "
        "layers."
    )
    seconds = sum(row.cpu_seconds for row in joint.values()) / len(joint)
    yield ""
    yield _beside_one_after_the_other(rows)
    yield ""
    yield f"A joint search on this machine: {search_cost_text(seconds)}."


def _beside_one_after_the_other(rows: Sequence[JointRow]) -> str:
    """The mean ratio to the joint search over seeds, with its errors."""
    ratios = _ratios_to_joint(rows, ONE_AFTER_THE_OTHER)
    own = [row.edp for row in rows if row.way == JOINT]
    mean, spread = geometric_mean(ratios), _spread(ratios)
    better = sum(ratio > 1 for ratio in ratios)
    return (
        f"Beside one after the other the joint search is {abs(mean - 1):.1%} "
        f"{'better' if mean >= 1 else 'worse'} in the mean (standard deviation over seeds "
        f"{spread:.1%}, standard error of the mean {spread / sqrt(len(ratios)):.1%}), better on "
        f"{better} of {len(ratios)} seeds. The joint search's own EDP has a standard deviation "
        f"over seeds of {_spread(own):.1%}."
    )


def _spread(values: Sequence[float]) -> float:
    """Standard deviation of the logarithms."""
    logs = [log(value) for value in values]
    mean = sum(logs) / len(logs)
    return sqrt(sum((value - mean) ** 2 for value in logs) / max(1, len(logs) - 1))
