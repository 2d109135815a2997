"""An accelerator in a bench: runs the network of a run folder, and checks its outputs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cocotb
import numpy as np
from cocotb.task import Task, bridge, resume
from cocotb.triggers import ClockCycles, First, RisingEdge

from naas_hw.api.models import read_model
from naas_hw.api.network_simulation import random_inputs
from naas_hw.arch import timing
from naas_hw.core.errors import InputError
from naas_hw.driver.decoding import decode
from naas_hw.driver.device import DeviceAccess, NetworkDevice
from naas_hw.driver.program_file import ProgramFile
from naas_hw.emit.network_package import NETWORK_FILE
from naas_hw.graph.graph import Array
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import COUNTERS_OFFSET, REGISTERS
from naas_hw.testbench.axi_lite import AxiLiteManager
from naas_hw.testbench.axi_memory import AxiMemory

_WORD_BITS: Final = 32
_OFFSETS: Final = {register.name: register.offset for register in REGISTERS}

SPARE_CYCLES: Final = 1000
"""What a start may take beside its layers."""


def read_program(folder: str | Path) -> ProgramFile:
    """The program file of a run.

    Raises
    ------
    InputError : there is none, or it is damaged.
    """
    place = Path(folder) / "program" / NETWORK_FILE
    if not place.is_file():
        raise InputError(f"{folder} must have program/{NETWORK_FILE}, which `naas generate` writes")
    return decode(place.read_bytes())


class NetworkUnderTest:
    """Runs the network of a run on simulated RTL with the driver, and checks the outputs.

    Parameters
    ----------
    folder : run of a search of a model, with the program of `naas generate`.
    registers, memory : how it is reached; the memory has room for the program at its start.
    interrupt : signal that is waited for; None: the registers are read again and again.
    limit_cycles : that a start may take; None: what the watchdog gives its layers, or without end
        if the program was compiled without predicted cycles.

    Raises
    ------
    InputError : the run has no program or no model.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        registers: AxiLiteManager,
        memory: AxiMemory,
        interrupt: Any = None,
        limit_cycles: int | None = None,
    ) -> None:
        self._registers = registers
        self._memory = memory
        self._interrupt = interrupt
        self._limit_cycles = limit_cycles
        self._quantised, self._program = read_model(folder).quantised, read_program(folder)
        self._device: NetworkDevice | None = None
        self._runs: list[tuple[Mapping[str, Array], Mapping[str, Array]]] = []
        self.counters: list[dict[str, int]] = []
        """Of each start: what the accelerator itself counted."""

    def random_inputs(self, rng: np.random.Generator) -> list[Array]:
        """Random numbers for each input of the model."""
        return list(random_inputs(self._quantised, rng).values())

    async def run(self, *inputs: Array) -> dict[str, Array]:
        """Run one image, and return the outputs by name, in the layout of the model.

        Parameters
        ----------
        inputs : one for each input of the model, in order, each with its leading 1.

        Raises
        ------
        InputError : an input has another shape or type, the hardware is of another digest, or the
            memory is too small.
        DeviceError : the accelerator refused, failed or did not answer.
        AssertionError : a start did not end within the limit.
        """
        given = dict(zip(self._quantised.inputs, inputs, strict=True))
        outputs: dict[str, Array] = await bridge(self._run)(given)
        self._runs.append((given, outputs))
        return outputs

    def check(self) -> None:
        """Compare every output so far with the integer reference, bit by bit.

        Raises
        ------
        AssertionError : something differs, or nothing has run.
        """
        assert self._runs, "a network must have run before it is checked"
        for number, (given, outputs) in enumerate(self._runs):
            expected = run_integers(self._quantised, given)
            for name, output in outputs.items():
                wanted = model_values(self._quantised.tensors[name], expected[name])
                wrong = np.argwhere(output != wanted)
                assert not len(wrong), (
                    f"output {name} of image {number} must be the reference's; {len(wrong)} of "
                    f"{output.size} numbers differ, the first at {tuple(wrong[0])}"
                )

    def _run(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """In a thread of its own: the driver calls back, and the simulation goes on meanwhile."""
        if self._device is None:
            self._device = self._open()
        return self._device.run(given)

    def _open(self) -> NetworkDevice:
        access = DeviceAccess(
            read32=resume(self._registers.read),
            write32=resume(self._registers.write),
            wait=resume(self._wait),
        )
        device = NetworkDevice(
            self._program, self._memory.data, bus=self._memory.base, access=access
        )
        device.load()
        return device

    async def _wait(self) -> None:
        """Wait for the interrupt up to the limit, and read the counters."""
        limit = self._limit_cycles or await self._watchdog_cycles()
        deadline = cocotb.start_soon(_pass(self._registers.clock, limit)) if limit else None
        while not await self._has_ended(deadline):
            assert deadline is None or not deadline.done(), (
                f"the {'registers' if self._interrupt is None else 'signal'} must show the "
                f"interrupt within {limit} cycles of a start"
            )
        if deadline is not None:
            deadline.cancel()
        self.counters.append({name: await self._counter(i) for i, name in enumerate(COUNTERS)})

    async def _has_ended(self, deadline: Task[None] | None) -> bool:
        """Whether the interrupt is there; a signal is waited for up to the deadline."""
        if self._interrupt is None:
            return bool(await self._registers.read(_OFFSETS["interrupt_status"]))
        if self._interrupt.value != 1:
            edge = RisingEdge(self._interrupt)
            await (edge if deadline is None else First(edge, deadline))
        return bool(self._interrupt.value == 1)

    async def _watchdog_cycles(self) -> int:
        """Cycles after which the watchdog has stopped the start; 0: it stops none."""
        units, layers = [
            await self._registers.read(_OFFSETS[name]) for name in ("watchdog", "num_descriptors")
        ]
        return timing.WATCHDOG_UNIT * units * layers + SPARE_CYCLES if units else 0

    async def _counter(self, number: int) -> int:
        offset = COUNTERS_OFFSET + 8 * number
        low, high = await self._registers.read(offset), await self._registers.read(offset + 4)
        return low | high << _WORD_BITS


async def _pass(clock: Any, cycles: int) -> None:
    await ClockCycles(clock, cycles)
