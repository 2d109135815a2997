"""An accelerator in a bench: runs the network of a run folder, and checks its outputs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from cocotb.task import bridge, resume
from cocotb.triggers import RisingEdge

from naas_hw.api.models import read_model
from naas_hw.api.network_simulation import random_inputs
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
_INTERRUPT_STATUS: Final = next(r.offset for r in REGISTERS if r.name == "interrupt_status")


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
    ) -> None:
        self._registers = registers
        self._memory = memory
        self._interrupt = interrupt
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
        """Wait for the interrupt, and read the counters."""
        if self._interrupt is not None:
            if self._interrupt.value != 1:
                await RisingEdge(self._interrupt)
        else:
            while not await self._registers.read(_INTERRUPT_STATUS):
                pass
        self.counters.append({name: await self._counter(i) for i, name in enumerate(COUNTERS)})

    async def _counter(self, number: int) -> int:
        offset = COUNTERS_OFFSET + 8 * number
        low, high = await self._registers.read(offset), await self._registers.read(offset + 4)
        return low | high << _WORD_BITS
