"""Settings of the verbs: values that are checked when they are made, and never change."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from naas_hw.arch.boards import Board
from naas_hw.arch.build_part import BuildPart
from naas_hw.arch.devices import LIMIT_MINUTES, TARGET_MHZ, DevicePart
from naas_hw.arch.placer import Placer
from naas_hw.runs.manifest import digest_of
from naas_hw.sim.memory_habits import EXACT, check_memory
from naas_hw.sim.preludes import check_prelude
from naas_hw.sim.run import Stalls
from naas_hw.workload.arithmetic.quantise import Tensors

Workers = int | Executor
"""A number of processes to be started, of which one means this process alone, or an executor."""


class Placement(TypedDict):
    """Where a search does its work."""

    executor: Executor | None
    num_processes: int


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The folder of a run, and what to do if a run is there already.

    Parameters
    ----------
    folder : gets the design, the history and the result.
    resume : continue the run in that folder.
    force : replace the run in that folder.
    command : the words that the manifest gives as the command; the name of the verb if None.
    files : name -> content of what else belongs to the run, such as the model.
    """

    folder: str | Path
    resume: bool = False
    force: bool = False
    command: tuple[str, ...] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    def digest(self, digest: str) -> str:
        """The digest of a run's inputs, with these files among them."""
        return digest_of(digest, *self.files.values()) if self.files else digest

    def command_or(self, verb: str) -> tuple[str, ...]:
        """The command for the manifest."""
        return ("naas", verb) if self.command is None else self.command


@dataclass(frozen=True, kw_only=True)
class SimulationSettings:
    """How layers are simulated.

    Parameters
    ----------
    simulator : icarus or verilator.
    seed : random seed of the tensors.
    stalls : random stalls of the memory; with them only the output bytes are compared.
    memory : `exact`, `any`, a name, or settings (`sim.memory_habits`): how the memory handshakes.
        Unless it is `exact`, only the output bytes are compared.
    tensors : `spread`, or `extreme` for values whose sums wrap and whose outputs clamp.
    before : a reset or an erroneous start before each run (`sim.preludes`); None for none.
    waves : whether waves are kept, in `sim/waves/` of the run folder.
    netlist : whether a netlist for an ECP5 is synthesised and runs in step with the Verilog; every
        output of both has to be equal in every cycle.

    Raises
    ------
    InputError : `memory` or `before` names nothing.
    """

    simulator: str = "verilator"
    seed: int = 0
    stalls: Stalls | None = None
    memory: str = EXACT
    tensors: Tensors = Tensors.SPREAD
    before: str | None = None
    waves: bool = False
    netlist: bool = False

    def __post_init__(self) -> None:
        check_memory(self.memory)
        if self.before is not None:
            check_prelude(self.before)

    @property
    def timed(self) -> bool:
        """Whether cycles and counts are compared too, and not the output bytes only."""
        return self.stalls is None and self.memory == EXACT


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """How another model's program is run.

    Parameters
    ----------
    pad : enlarge problems whose edges Timeloop cannot count; as of `export`.
    timeout_seconds : limit for one layer.
    """

    pad: bool = False
    timeout_seconds: float = 300.0


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """How an accelerator is built for an FPGA.

    Parameters
    ----------
    part : the FPGA with its package and its speed grade, as `find_part` returns it.
    target_mhz : target clock of place and route; a build that misses it is no error.
    seeds : random seeds of the placer; the clock is their median, the fastest is kept.
    limit_minutes : time limit of synthesis, and of place and route for each seed. A seed that
        reaches it gives no clock; the resources that synthesis found remain. None: no limit.
    placer : which placer of nextpnr.
    board : the board that has the part, as `find_board` returns it. The build ends in a bitstream
        then, for an accelerator with a memory and a serial line to a host.
    memory_bytes : size of that memory; None: as the board says.
    part_of : the part of the accelerator that is built alone; None: all of it. Not for a board.
    """

    part: DevicePart
    target_mhz: float = TARGET_MHZ
    seeds: tuple[int, ...] = (1,)
    limit_minutes: float | None = LIMIT_MINUTES
    placer: Placer = Placer.STATIC
    board: Board | None = None
    memory_bytes: int | None = None
    part_of: BuildPart | None = None

    @property
    def place(self) -> str:
        """The name of the board or device."""
        place = self.part.device.name if self.board is None else self.board.name
        return place if self.part_of is None else f"{self.part_of}-{place}"


def run_settings(run: str | Path | RunSettings) -> RunSettings:
    """The settings, or those of a folder that is given alone."""
    return run if isinstance(run, RunSettings) else RunSettings(folder=run)


def placement_of(workers: Workers) -> Placement:
    """The arguments that the searches take."""
    if isinstance(workers, Executor):
        return {"executor": workers, "num_processes": 1}
    return {"executor": None, "num_processes": workers}
