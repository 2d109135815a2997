"""`naas reproduce joint`: the network searched with its accelerator, beside its rivals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Console

if TYPE_CHECKING:
    from naas_hw.report.joint_table import JointRow

SPACE: Final = "ofa-resnet50"
REFERENCE: Final = "resnet50"
PRESET: Final = "eyeriss"
MIN_TOP1_PERCENT: Final = 78.8


@dataclass(frozen=True, kw_only=True)
class JointOptions:
    """What the command line says; None: what is due."""

    population: int | None = None
    generations: int | None = None
    evaluations: int | None = None
    seed: int = 0
    seeds: int | None = None
    processes: int = 1


def joint_section(options: JointOptions, screen: Console) -> tuple[list[str], str]:
    """Words of the command that makes it again, and Markdown."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.joint.settings import ESTIMATE, JointSettings, breeding, find_oracle
    from naas_hw.report.joint_table import JointContest, joint_markdown, measure_joint
    from naas_hw.search import SearchSettings
    from naas_hw.spaces.find import find_space
    from naas_hw.workload.catalogue import load_builtin

    space = find_space(SPACE)
    settings = SearchSettings(
        population=options.population or 8,
        generations=options.generations or 14,
        mapping_evaluations=options.evaluations or 400,
        final_effort=20,
        seed=options.seed,
    )
    contest = JointContest(
        space=space,
        oracle=find_oracle(ESTIMATE, space),
        preset=find_preset(PRESET),
        reference=load_builtin(REFERENCE),
        settings=JointSettings(
            networks=breeding(MIN_TOP1_PERCENT),
            accelerators=settings,
        ),
        num_seeds=options.seeds or 5,
        num_processes=options.processes,
    )

    def tell(row: "JointRow") -> None:
        screen.print(
            f"{row.way}, seed {row.seed}: EDP {row.edp / 1e12:,.1f} J cycles, "
            f"{row.cpu_seconds:,.0f} CPU s",
            markup=False,
        )

    words = ["naas", "reproduce", "joint", "--population", str(settings.population)]
    words += ["--generations", str(settings.generations), "--seeds", str(contest.num_seeds)]
    words += ["--evaluations", str(settings.mapping_evaluations), "--seed", str(settings.seed)]
    return words, joint_markdown(contest, measure_joint(contest, tell))
