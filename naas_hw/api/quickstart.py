"""All steps on a small layer: search, Verilog, simulation, comparison."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from naas_hw.api.hardware import SimulationReport, generate, simulate
from naas_hw.api.searches import search
from naas_hw.api.settings import RunSettings, SimulationSettings, run_settings
from naas_hw.arch.budget import Budget
from naas_hw.core.errors import ToolError
from naas_hw.emit.package import GeneratedDesign
from naas_hw.runs.folder import check_new_run
from naas_hw.search.accelerator.result import SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.compilation import SEARCH_PARTS, missing_parts
from naas_hw.sim.simulators import Simulator, find_simulator
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

NETWORK: Final = Network(
    name="quickstart",
    layers=(
        Layer(name="conv3x3", K=16, C=8, P=8, Q=8, R=3, S=3, height=8, width=8, padding=(1, 1)),
    ),
)
"""A 3x3 convolution of 8 to 16 channels on an image of 8 x 8."""

BUDGET: Final = Budget(
    name="quickstart",
    max_pes=16,
    on_chip_bytes=8192,
    beat_bytes=4,
    source="a small accelerator, so that a simulator is built soon",
)

_SIMULATORS: Final = ("icarus", "verilator")
"""In the order in which they are looked for: Icarus builds in a second."""


class QuickstartStep(StrEnum):
    """The steps of the quickstart, in order."""

    COMPILE = "compile"
    SEARCH = "search"
    GENERATE = "generate"
    SIMULATE = "simulate"


@dataclass(frozen=True, kw_only=True)
class Quickstart:
    """The results of the quickstart.

    Parameters
    ----------
    folder : the run folder.
    search : the accelerator that was found, with the mapping of the layer.
    generated : its Verilog and what belongs to it.
    simulation : the layer on the Verilog, beside what the model predicted.
    """

    folder: Path
    search: SearchResult
    generated: GeneratedDesign
    simulation: SimulationReport

    @property
    def ok(self) -> bool:
        """Whether cycles, accesses and output bytes are as predicted."""
        return self.simulation.ok


def quickstart(
    run: str | Path | RunSettings,
    *,
    simulator: str | None = None,
    seed: int = 0,
    progress: Callable[[QuickstartStep, str], None] = lambda step, detail: None,
) -> Quickstart:
    """Search for an accelerator for a small layer, write its Verilog, simulate and compare.

    Parameters
    ----------
    run : the folder that gets the design, or settings of it.
    simulator : icarus or verilator; None: the first of them that this machine has.
    seed : random seed of the search and of the tensors.
    progress : called at the begin of each step, and of each part of the first one; with the name
        of that part.

    Raises
    ------
    InputError : the folder cannot be used, or there is no simulator of that name.
    ToolError : no simulator was found.
    SimulationError : the simulator failed.
    """
    run = run_settings(run)
    check_new_run(Path(run.folder), resume=run.resume, force=run.force)
    tool = find_any_simulator() if simulator is None else find_simulator(simulator)
    progress(QuickstartStep.COMPILE, "")
    for part in missing_parts(SEARCH_PARTS):
        progress(QuickstartStep.COMPILE, part.name)
        part.use()
    progress(QuickstartStep.SEARCH, "")
    found = search([NETWORK], BUDGET, _settings(seed), run=run)
    progress(QuickstartStep.GENERATE, "")
    generated = generate(run.folder, seed=seed)
    progress(QuickstartStep.SIMULATE, tool.name)
    simulation = simulate(run.folder, SimulationSettings(simulator=tool.name, seed=seed))
    return Quickstart(
        folder=Path(run.folder), search=found, generated=generated, simulation=simulation
    )


def find_any_simulator() -> Simulator:
    """The simulator of this machine that starts fastest.

    Raises ToolError where there is none.
    """
    reasons = []
    for name in _SIMULATORS:
        try:
            return find_simulator(name)
        except ToolError as error:
            reasons.append(str(error))
    raise ToolError(
        f"a simulator must be installed ({'; '.join(reasons)}); naas doctor lists all tools"
    )


def _settings(seed: int) -> SearchSettings:
    return SearchSettings(
        population=4,
        generations=4,
        mapping_evaluations=500,
        finalists=1,
        proof_evaluations=0,
        seed=seed,
    )
