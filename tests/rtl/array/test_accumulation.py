# amaranth: UnusedElaboratable=no
"""An addition follows its multiplication by a fixed number of cycles."""

from typing import Any

import numpy as np
import pytest
from additions import present, random_places
from kit import STALLS, simulate

from naas_hw.rtl.array.accumulation import Accumulation


class Seen:
    """Takes what a test would set, by the names of the ports."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def __getattr__(self, name: str) -> str:
        return name

    def set(self, name: str, value: int) -> None:
        self.values[name] = value


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize(
    ("words", "lanes", "latency"), [(1, 1, 3), (8, 1, 5), (6, 2, 4), (4, 8, 7)]
)
def test_it_equals_a_delayed_list(words: int, lanes: int, latency: int, stalls: str) -> None:
    """The same number often comes again after one to four cycles."""
    rng = np.random.default_rng(words * lanes)
    dut = Accumulation(words=words, lanes=lanes, latency=latency)
    half_place = dut.zero - words * lanes
    pauses = iter(STALLS[stalls]())
    places = [*range(words * lanes), *range(half_place, half_place + words * lanes)]
    given = [None if next(pauses) else one for one in random_places(rng, places, 200)]

    def at(index: int) -> Any:
        return given[index] if 0 <= index < len(given) else None

    names = {"read_address": 2, "from_first": 2, "from_second": 2, "from_third": 2, "begins": 1}

    async def compare(ctx: Any) -> None:
        port = dut.multiplication
        wanted = Seen()
        for cycle in range(len(given) + latency + 2):
            set_multiplication(ctx, port, at(cycle))
            now = cycle - latency
            present(wanted, wanted, given, now, dut.zero)
            for name, ahead in names.items():
                if at(now + ahead) is not None:
                    assert ctx.get(getattr(dut.addition, name)) == wanted.values[name], name
            assert ctx.get(dut.addition.writes) == wanted.values["writes"]
            if at(now - 1) is not None:
                assert ctx.get(dut.addition.write_address) == wanted.values["write_address"]
            following = at(now + 1)
            assert ctx.get(dut.reads) == int(following is not None and not following.begins)
            await ctx.tick()

    def set_multiplication(ctx: Any, port: Any, one: Any) -> None:
        ctx.set(port.valid, int(one is not None))
        if one is not None:
            half = int(one.place >= half_place)
            ctx.set(port.accumulator_address, one.place - half * half_place)
            ctx.set(port.half, half)
            ctx.set(port.first, one.begins)

    simulate(dut, compare)


def test_after_a_reset_the_word_that_is_zero_is_written() -> None:
    dut = Accumulation(words=4, lanes=2, latency=5)

    async def bench(ctx: Any) -> None:
        assert ctx.get(dut.addition.write_address) == dut.zero

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"words": 0, "lanes": 1, "latency": 3}, "words must be at least 1, not 0"),
        ({"words": 1, "lanes": 3, "latency": 3}, "lanes must be a power of two, not 3"),
        ({"words": 1, "lanes": 1, "latency": 2}, "latency must be at least 3, not 2"),
    ],
)
def test_init_wrong_value(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Accumulation(**parameters)
