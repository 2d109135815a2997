"""Random verification of the hardware against the model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from naas_hw.arch.families import Family
from naas_hw.sim.memory_habits import EXACT
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.coverage import Size
from naas_hw.verify.random import CaseResult, VerifyReport
from naas_hw.verify.random import verify as verify_triples


@dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """Which random triples of accelerator, layer and mapping are verified, and how.

    Parameters
    ----------
    num_cases : number of triples; from 40 on, every bin of coverage is hit.
    seed : random seed of triples and tensors.
    simulator : icarus or verilator.
    stalls : whether the memory stalls at random; then only output bits are compared.
    memory : as of `SimulationSettings`; `any` draws another way for each triple.
    size : how large triples may be.
    family : whose forms of multiplier and memory are simulated, with models of their primitives.
    """

    num_cases: int = 40
    seed: int = 0
    simulator: str = "verilator"
    stalls: bool = False
    memory: str = EXACT
    size: Size = Size.SMALL
    family: Family = Family.GENERIC


def verify(
    settings: VerifySettings | None = None,
    *,
    folder: str | Path = "verify_failures",
    num_processes: int = 1,
    progress: Callable[[CaseResult], None] | None = None,
) -> VerifyReport:
    """Draw accelerators, layers and mappings at random and compare the RTL with the model.

    Parameters
    ----------
    folder : gets the files of triples that fail; it is made only if there is one.
    num_processes : accelerators that are generated and simulated at a time.
    progress : called after each triple, in any order.

    Raises
    ------
    InputError : a number is out of range, or the folder cannot be written.
    ToolError : a tool is missing.
    """
    settings = settings or VerifySettings()
    return verify_triples(
        settings.num_cases,
        settings.seed,
        simulator=find_simulator(settings.simulator),
        stalls=settings.stalls,
        memory=settings.memory,
        size=settings.size,
        family=settings.family,
        num_processes=num_processes,
        folder=Path(folder),
        progress=progress,
    )
