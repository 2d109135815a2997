"""Accesses to registers over AXI4-Lite."""

from typing import Any, Final

from cocotb.triggers import FallingEdge, ReadOnly

from naas_hw.testbench.ports import BusPorts, is_high, number

PATIENCE: Final = 1000
"""Cycles after which an access has no answer."""

OKAY: Final = 0


class AxiLiteManager:
    """Writes and reads registers. Signals change at falling edges, so no simulator sees a race.

    Parameters
    ----------
    dut : the module with the ports.
    prefix : of the ports; the bus goes into `dut`, or stands on its inside.
    clock : of the bus.
    offset : address of the first register of the accelerator.

    Attributes
    ----------
    clock : as given.
    """

    def __init__(self, dut: Any, prefix: str = "s_axil", *, clock: Any, offset: int = 0) -> None:
        self._bus = BusPorts(dut, prefix)
        self.clock = clock
        self._offset = offset
        for name in ("awvalid", "wvalid", "arvalid", "bready", "rready"):
            getattr(self._bus, name).value = 0

    async def write(self, offset: int, value: int) -> None:
        """Write 32 bits.

        Raises
        ------
        AssertionError : there is no answer, or one with an error.
        """
        bus = self._bus
        await FallingEdge(self.clock)
        bus.awaddr.value, bus.awvalid.value = self._offset + offset, 1
        bus.wdata.value, bus.wstrb.value, bus.wvalid.value = value, 0b1111, 1
        bus.bready.value = 1
        open_channels = {"aw", "w", "b"}
        for _ in range(PATIENCE):
            await ReadOnly()
            done = [name for name in ("aw", "w") if name in open_channels and self._taken(name)]
            answered = is_high(bus.bvalid)
            response = number(bus.bresp) if answered else OKAY
            await FallingEdge(self.clock)
            for name in done:
                getattr(bus, f"{name}valid").value = 0
            open_channels -= set(done)
            if answered:
                bus.bready.value = 0
                assert response == OKAY, f"the write to 0x{offset:03x} must be answered with OKAY"
                return
        raise AssertionError(
            f"the write to 0x{offset:03x} must have an answer in {PATIENCE} cycles"
        )

    async def read(self, offset: int) -> int:
        """Read 32 bits.

        Raises
        ------
        AssertionError : there is no answer, or one with an error.
        """
        bus = self._bus
        await FallingEdge(self.clock)
        bus.araddr.value, bus.arvalid.value, bus.rready.value = self._offset + offset, 1, 1
        for _ in range(PATIENCE):
            await ReadOnly()
            taken, answered = self._taken("ar"), is_high(bus.rvalid)
            value, response = (number(bus.rdata), number(bus.rresp)) if answered else (0, OKAY)
            await FallingEdge(self.clock)
            if taken:
                bus.arvalid.value = 0
            if answered:
                bus.rready.value = 0
                assert response == OKAY, f"the read of 0x{offset:03x} must be answered with OKAY"
                return value
        raise AssertionError(f"the read of 0x{offset:03x} must be answered in {PATIENCE} cycles")

    def _taken(self, channel: str) -> bool:
        valid = getattr(self._bus, f"{channel}valid")
        return is_high(valid) and is_high(getattr(self._bus, f"{channel}ready"))
