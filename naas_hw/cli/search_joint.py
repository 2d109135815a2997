"""`naas search --joint SPACE`: the network is searched with its accelerator."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from naas_hw.cli.choices import choice_of
from naas_hw.cli.executors import without_place, workers
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.progress import SearchProgress, array_of
from naas_hw.core.errors import InputError
from naas_hw.parallel.cpu_time import cpu_seconds
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.nas.joint.joint_search import JointResult
    from naas_hw.search import SearchSettings

FINALISTS: Final = 3
FINAL_EFFORT: Final = 20


@dataclass(frozen=True, kw_only=True)
class JointWords:
    """The options of a joint search, as they were typed."""

    space: str
    min_accuracy: float | None
    accuracy: str
    mode: str
    whole_front: bool


def run_joint(
    words: JointWords,
    budget: str,
    settings: "SearchSettings",
    run: Path,
    *,
    kept: dict[str, bool],
    where: tuple[int | None, str | None],
    as_json: bool,
) -> int:
    """Search, write the run, print what was found; `kept`: whether to resume, or to start anew."""
    from naas_hw import api
    from naas_hw.nas.joint.architecture_search import Aim
    from naas_hw.nas.joint.settings import JointSettings, Mode, breeding, find_oracle
    from naas_hw.nas.spaces.find import find_space

    if words.min_accuracy is None:
        raise InputError("--min-accuracy must be given with --joint")
    if not 0 <= words.min_accuracy <= 100:
        raise InputError(f"--min-accuracy must be 0 to 100, not {words.min_accuracy}")
    space = find_space(words.space)
    joint = JointSettings(
        networks=breeding(
            words.min_accuracy, settings.seed, Aim.FRONT if words.whole_front else Aim.SCORE
        ),
        accelerators=replace(settings, finalists=FINALISTS, final_effort=FINAL_EFFORT),
        mode=choice_of(Mode, words.mode, "joint mode"),
    )
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    before = cpu_seconds()
    with workers(*where) as given, SearchProgress(screen) as progress:
        result = api.search_jointly(
            space,
            find_oracle(words.accuracy, space),
            api.find_budget(budget),
            joint,
            run=run,
            **kept,
            **given,
            progress=progress,
            command=("naas", *without_place(sys.argv[1:])),
        )
    if as_json:
        print(json.dumps(api.joint_figures(space, result, settings.objective), indent=2))
    else:
        _print(result, run, cpu_seconds() - before)
    return ExitStatus.INTERRUPTED if result.interrupted else ExitStatus.DONE


def _print(result: "JointResult", run: Path, seconds: float) -> None:
    from naas_hw.experiments.search_cost import search_cost_text

    accelerator, report = result.accelerator, result.found.report
    if result.interrupted:
        print("interrupted: the best so far")
    print(f"{array_of(accelerator)} ({accelerator.num_pes} PEs)")
    print(
        f"{result.found.network.name}: top-1 {result.top1_percent:.2f} %, {result.worth.label}; "
        f"{report.cycles:,} cycles, {report.energy_pj / 1e6:,.1f} uJ, "
        f"EDP {report.edp / 1e6:.4g} uJ x cycles"
    )
    print(
        f"{result.num_accelerators} accelerators, {result.num_networks} networks, "
        f"{result.num_layers} layers searched; {len(result.front)} on the front of accuracy "
        "and score"
    )
    print(f"search cost: {search_cost_text(seconds)}")
    print(
        f"{printable(str(run))} holds the design; "
        "naas evaluate, generate and simulate go on with it"
    )
