"""A simulated accelerator behind the callbacks of the driver.

Each start is one run of the simulator on what is in memory. Registers that a start sets, and those
that tell of its end, behave as on the device; in between nothing can be seen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.program import PAGE_BYTES
from naas_hw.driver.device import DeviceAccess, NetworkDevice
from naas_hw.driver.program_file import VERSIONS, ProgramFile
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import IDENTITY
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.registers import REGISTERS
from naas_hw.sim.run import BenchResult, Start, run_starts
from naas_hw.sim.simulators import Simulator

_CYCLE_LIMIT: Final = 1 << 40
_IDLE_LIMIT: Final = 100_000
"""Cycles without any movement after which a start counts as hung."""
_READS: Final = (
    REGISTERS["status"],
    *(REGISTERS[f"{name}_{half}"] for name in COUNTERS for half in ("low", "high")),
)


@dataclass(frozen=True, kw_only=True)
class StartFigures:
    """What a start took.

    Parameters
    ----------
    cycles : from the accepted start to the interrupt.
    counters : of the accelerator's registers, by name.
    """

    cycles: int
    counters: dict[str, int]


class SimulatedDevice:
    """Registers and memory of an accelerator that a simulator runs.

    Parameters
    ----------
    memory_bytes : of the memory, a multiple of 4 KiB.
    base : where it stands on the bus, a multiple of 4 KiB.

    Attributes
    ----------
    memory : uint8, what is in memory.
    starts : figures of each start that came to its end.
    """

    def __init__(
        self, hardware: Hardware, simulator: Simulator, *, memory_bytes: int, base: int = 0
    ) -> None:
        self.memory: NDArray[np.uint8] = np.zeros(memory_bytes, np.uint8)
        self.base = base
        self.starts: list[StartFigures] = []
        self._hardware = hardware
        self._simulator = simulator
        self._writes: list[tuple[int, int]] = []
        self._values = {
            REGISTERS["identity"]: IDENTITY,
            REGISTERS["versions"]: VERSIONS,
            REGISTERS["digest_low"]: hardware.digest & 0xFFFF_FFFF,
            REGISTERS["digest_high"]: hardware.digest >> 32,
        }

    @property
    def access(self) -> DeviceAccess:
        """For a driver; a start has come to its end when its write returns."""
        return DeviceAccess(read32=self.read32, write32=self.write32, wait=lambda: None)

    def read32(self, offset: int) -> int:
        """A register, by its offset."""
        return self._values.get(offset, 0)

    def write32(self, offset: int, value: int) -> None:
        """Write a register; a start runs the simulator.

        Raises SimulationError where the simulator fails.
        """
        if offset == REGISTERS["interrupt_status"]:
            self._values[offset] = self._values.get(offset, 0) & ~value
            return
        self._writes.append((offset, value))
        if offset == REGISTERS["control"]:
            self._start()

    def _start(self) -> None:
        accelerator = self._hardware.accelerator
        writes, self._writes = tuple(self._writes), []
        (result,) = run_starts(
            self._hardware.build(),
            simulator=self._simulator,
            starts=[Start(writes=writes, reads=_READS)],
            dram_image=self.memory,
            latency=accelerator.dram_latency_cycles,
            period=accelerator.dram_beat_period_cycles,
            cycle_limit=_CYCLE_LIMIT,
            idle_limit=_IDLE_LIMIT,
            base=self.base,
        )
        self.memory[:] = result.dram
        self._values |= result.registers
        if result.status == "done":
            self._values[REGISTERS["interrupt_status"]] = 1
            self.starts.append(_figures(result))


def open_simulated(
    program: ProgramFile, hardware: Hardware, simulator: Simulator, *, base: int = 0
) -> tuple[NetworkDevice, SimulatedDevice]:
    """A program on a simulated accelerator, loaded.

    Raises
    ------
    InputError : the program is of another accelerator, or `base` is no multiple of 4 KiB.
    """
    pages = -(-program.memory_bytes // PAGE_BYTES)
    simulated = SimulatedDevice(hardware, simulator, memory_bytes=pages * PAGE_BYTES, base=base)
    device = NetworkDevice(program, simulated.memory, bus=base, access=simulated.access)
    device.load()
    return device, simulated


def _figures(result: BenchResult) -> StartFigures:
    registers = result.registers
    counters = {
        name: registers[REGISTERS[f"{name}_low"]] | registers[REGISTERS[f"{name}_high"]] << 32
        for name in COUNTERS
    }
    return StartFigures(cycles=result.cycles, counters=counters)
