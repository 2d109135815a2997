"""A memory behind an AXI4 port, with the timing of the cost model's memory."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly
from numpy.typing import NDArray

from naas_hw.testbench.ports import BusPorts, is_high, number


@dataclass
class _Beat:
    """A beat to be read, from a cycle on."""

    due: int
    address: int
    is_last: bool


class AxiMemory:
    """Answers reads and writes, one burst after the other.

    An address is accepted at once. A beat that is read comes `latency` cycles after its address at
    the earliest, and `period` cycles after the beat before. A beat that is written is taken
    `period` cycles after the one before, when its address was accepted; its response comes
    `latency` cycles after the last beat. With the latency and the period of an accelerator its
    cycles are those that the cost model predicts.

    Parameters
    ----------
    dut : the module with the ports; prefix : of the ports; clock : of the bus.
    size_bytes : of the memory.
    base : address of its first byte on the bus.
    latency, period : see above.
    stalls : probability with which READY of an address or a beat, and VALID of a beat or a
        response, is low in a cycle; rng : its random numbers.

    Attributes
    ----------
    data : uint8, what is in memory.
    num_read_beats, num_written_beats : so far.
    """

    def __init__(
        self,
        dut: Any,
        prefix: str = "m_axi",
        *,
        clock: Any,
        size_bytes: int,
        base: int = 0,
        latency: int = 20,
        period: int = 1,
        stalls: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.data: NDArray[np.uint8] = np.zeros(size_bytes, np.uint8)
        self.base = base
        self.latency, self.period = latency, period
        self.num_read_beats = self.num_written_beats = 0
        self._bus = BusPorts(dut, prefix)
        self._clock = clock
        self._stalls = stalls
        self._rng = rng or np.random.default_rng(0)
        self._cycle = 0
        self._reads: deque[_Beat] = deque()
        self._next_read = self._next_write = 0
        self._writes: deque[list[int]] = deque()  # cycle of the address, next address, beats left
        self._responses: deque[int] = deque()
        self._is_offered = {"r": False, "b": False}
        for name in ("arready", "awready", "wready", "rvalid", "bvalid"):
            getattr(self._bus, name).value = 0
        self._beat_bytes = len(self._bus.rdata) // 8
        cocotb.start_soon(self._serve())

    async def _serve(self) -> None:
        """Cycle by cycle: what is driven, and what then happens at its end."""
        while True:
            await FallingEdge(self._clock)
            self._drive()
            await ReadOnly()
            self._sample()
            self._cycle += 1

    def _may(self) -> bool:
        return not self._stalls or self._rng.random() >= self._stalls

    def _drive(self) -> None:
        bus, cycle = self._bus, self._cycle
        bus.arready.value = self._may()
        bus.awready.value = self._may()
        writes_now = bool(self._writes) and cycle > self._writes[0][0]
        bus.wready.value = writes_now and cycle >= self._next_write and self._may()
        self._offer("r", bool(self._reads) and cycle >= max(self._reads[0].due, self._next_read))
        if self._is_offered["r"]:
            beat = self._reads[0]
            bus.rdata.value = int.from_bytes(self._bytes(beat.address).tobytes(), "little")
            bus.rlast.value, bus.rresp.value, bus.rid.value = beat.is_last, 0, 0
        self._offer("b", bool(self._responses) and cycle >= self._responses[0])
        if self._is_offered["b"]:
            bus.bresp.value, bus.bid.value = 0, 0

    def _offer(self, channel: str, is_due: bool) -> None:
        """What was offered stays so until it is taken."""
        offers = self._is_offered[channel] or (is_due and self._may())
        self._is_offered[channel] = offers
        getattr(self._bus, f"{channel}valid").value = offers

    def _sample(self) -> None:
        bus, cycle = self._bus, self._cycle
        if self._happens("r"):
            self._reads.popleft()
            self._is_offered["r"] = False
            self._next_read = cycle + self.period
            self.num_read_beats += 1
        if self._happens("b"):
            self._responses.popleft()
            self._is_offered["b"] = False
        if self._happens("w"):
            self._take_beat()
        if self._happens("ar"):
            first, beats = number(bus.araddr), number(bus.arlen) + 1
            self._reads += [
                _Beat(cycle + self.latency, first + i * self._beat_bytes, i == beats - 1)
                for i in range(beats)
            ]
        if self._happens("aw"):
            self._writes.append([cycle, number(bus.awaddr), number(bus.awlen) + 1])

    def _happens(self, channel: str) -> bool:
        """Whether there is a handshake in this cycle."""
        bus = self._bus
        return is_high(getattr(bus, f"{channel}valid")) and is_high(getattr(bus, f"{channel}ready"))

    def _take_beat(self) -> None:
        bus, cycle = self._bus, self._cycle
        burst = self._writes[0]
        _, address, left = burst
        assert is_high(bus.wlast) == (left == 1), "WLAST must be high in the last beat of a burst"
        written = np.frombuffer(number(bus.wdata).to_bytes(self._beat_bytes, "little"), np.uint8)
        strobes = number(bus.wstrb) >> np.arange(self._beat_bytes) & 1
        place = self._bytes(address)
        place[strobes == 1] = written[strobes == 1]
        burst[1:] = address + self._beat_bytes, left - 1
        self._next_write = cycle + self.period
        self.num_written_beats += 1
        if left == 1:
            self._writes.popleft()
            self._responses.append(cycle + self.latency)

    def _bytes(self, address: int) -> NDArray[np.uint8]:
        first = address - self.base
        last = self.data.size - self._beat_bytes
        assert 0 <= first <= last, f"an address must lie in the memory, not at 0x{address:x}"
        return self.data[first : first + self._beat_bytes]
