"""What tests of components share: a clock, stalls as data, drivers and monitors of streams.

A test makes a list of what it sends, a list of what its golden model says must come out, and
crosses both with stalls on either side:

    simulate(dut, sender(dut.i, values, stalls), receiver(dut.o, received, len(expected), stalls))
    assert received == expected
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import cycle, repeat
from typing import Any, Final

import numpy as np
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from naas_hw.arch.timing import L2_LATENCY

Bench = Callable[[Any], Awaitable[None]]
Stalls = Iterable[bool]
"""Whether a side stalls, cycle by cycle; endless."""

MAX_CYCLES: Final = 100_000


def never() -> Stalls:
    """No stall at all."""
    return repeat(False)


def every_other() -> Stalls:
    """A stall in every second cycle."""
    return cycle((False, True))


def bursts(busy: int = 3, idle: int = 5) -> Stalls:
    """Some cycles without a stall, then some with one."""
    return cycle((False,) * busy + (True,) * idle)


def at_random(seed: int, share: float = 0.5) -> Stalls:
    """A stall in this share of all cycles, at random."""
    rng = np.random.default_rng(seed)
    while True:
        yield bool(rng.random() < share)


STALLS: Final[dict[str, Callable[[], Stalls]]] = {
    "never": never,
    "every-other": every_other,
    "bursts": bursts,
    "random": lambda: at_random(1),
    "mostly": lambda: at_random(2, 0.9),
}
"""Name -> stalls, for `pytest.mark.parametrize`."""


def simulate(dut: Any, *benches: Bench, background: Sequence[Bench] = ()) -> None:
    """Run benches at the same time, with `dut` on a clock, which it may or may not use.

    Parameters
    ----------
    dut : component; has no clock domain of its own.
    benches : the simulation ends when all of these have returned.
    background : benches that end with the simulation.
    """
    m = Module()
    m.domains.sync = ClockDomain()
    m.submodules.dut = dut
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.run()


def sender(stream: Any, values: Iterable[Any], stalls: Stalls) -> Bench:
    """Drives a stream's `payload` and `valid`; keeps a payload until it is taken.

    Where a side stalls, `valid` stays low for a cycle between two payloads.
    """

    async def bench(ctx: Any) -> None:
        pauses = iter(stalls)
        for value in values:
            while next(pauses):
                await ctx.tick()
            ctx.set(stream.payload, value)
            ctx.set(stream.valid, 1)
            await ctx.tick().until(stream.ready)
            ctx.set(stream.valid, 0)

    return bench


def receiver(stream: Any, received: list[Any], count: int, stalls: Stalls) -> Bench:
    """Drives a stream's `ready`, and appends `count` payloads to `received`.

    Raises
    ------
    AssertionError : a payload changed, or went, before it was taken.
    """

    async def bench(ctx: Any) -> None:
        pauses: Iterator[bool] = iter(stalls)
        offered = None
        for _ in range(MAX_CYCLES):
            if len(received) == count:
                return
            ready = not next(pauses)
            ctx.set(stream.ready, ready)
            _, _, valid, payload = await ctx.tick().sample(stream.valid, stream.payload)
            if offered is not None:
                assert valid and payload == offered, f"{offered} must stay until it is taken"
            offered = payload if valid and not ready else None
            if valid and ready:
                received.append(payload)
        raise AssertionError(f"{count} payloads must come, not only {len(received)}")

    return bench


class ReadMemory:
    """A memory behind the read port of a component, as L2 is: a word stays until the next one.

    Parameters
    ----------
    port : the component's `ReadPortSignature` interface.
    contents : bytes of the memory.
    latency : cycles from an address to its word.
    """

    def __init__(self, port: Any, contents: bytes, *, latency: int = L2_LATENCY) -> None:
        self.port = port
        self.asked: list[int | None] = [None] * (latency - 1)
        self.contents = contents
        self.word_bytes = len(port.data) // 8
        self.reads = 0

    async def tick(self, ctx: Any) -> None:
        """One cycle, with the read that the component asks for in it."""
        is_read = ctx.get(self.port.enable)
        self.asked.append(ctx.get(self.port.address) * self.word_bytes if is_read else None)
        self.reads += is_read
        await ctx.tick()
        at = self.asked.pop(0)
        if at is not None:
            word = self.contents[at : at + self.word_bytes]
            ctx.set(self.port.data, int.from_bytes(word, "little"))
