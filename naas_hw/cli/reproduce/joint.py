"""`naas reproduce joint`: the network searched with its accelerator, beside its rivals."""

from typing import TYPE_CHECKING, Final

from rich.console import Console

from naas_hw.cli.reproduce.options import Options, Section, words_of

if TYPE_CHECKING:
    from naas_hw.experiments.joint import JointRow

SPACE: Final = "ofa-resnet50"
REFERENCE: Final = "resnet50"
PRESET: Final = "eyeriss"
MIN_TOP1_PERCENT: Final = 78.8
FIRST_SEED: Final = 20
"""Seeds from here on had no part in how the search was made."""


def joint_section(options: Options, screen: Console) -> Section:
    """Networks of ofa-resnet50 with their accelerators, beside rivals that search less."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.experiments.joint import (
        JointContest,
        joint_holds,
        joint_markdown,
        measure_joint,
    )
    from naas_hw.nas.joint.settings import ESTIMATE, JointSettings, breeding, find_oracle
    from naas_hw.nas.spaces.find import find_space
    from naas_hw.search import SearchSettings
    from naas_hw.workload.catalogue import load_builtin

    space = find_space(SPACE)
    settings = SearchSettings(
        population=options.population or 8,
        generations=options.generations or 26,
        mapping_evaluations=options.evaluations or 400,
        final_effort=20,
        seed=FIRST_SEED if options.seed is None else options.seed,
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

    words = words_of(
        "joint",
        population=settings.population,
        generations=settings.generations,
        seeds=contest.num_seeds,
        evaluations=settings.mapping_evaluations,
        seed=settings.seed,
    )
    rows = measure_joint(contest, tell)
    return Section(words=words, body=joint_markdown(contest, rows), holds=joint_holds(rows))
