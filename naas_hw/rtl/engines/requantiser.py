"""int32 accumulators to int8, one a cycle."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.arch.timing import MULTIPLIER_LATENCY, REQUANTISE_LATENCY
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.multiplier import Multiplier
from naas_hw.rtl.primitives.shared import SharedComponent

HALF: Final = 16
"""Where the factors of the product are cut, so that each part fits one 18 x 18 multiplier."""


WINDOW_BITS: Final = 11
"""Bits of v that are shifted: what does not fit them is beyond any clamp, and stays so when it is
halved and rounded."""
HALVED_BITS: Final = WINDOW_BITS
FIRST_STEPS: Final = (4, 3, 2)
LAST_STEPS: Final = (1, 0)
"""Bits of the shift in the order in which they shift, in two cycles."""


@dataclass(frozen=True)
class _Products:
    """Parts of a product whose factors are cut in halves: of the first and the second factor."""

    low_low: Value
    low_high: Value
    high_low: Value
    high_high: Value


class Requantiser(SharedComponent):
    """One lane of requantisation, rounded as gemmlowp rounds, or once.

    `o` = clamp(zero_point + RoundingDivideByPOT(HighMul(accumulator + bias, multiplier), shift)),
    or, with one rounding,
    clamp(zero_point + floor((accumulator + bias) multiplier / 2^(31 + shift) + 1/2)).

    All inputs belong together and are taken every cycle. No input is remembered beyond its result,
    so parameters may change from one value to the next. There is no handshake and nothing stalls:
    who gives a value counts the cycles. Golden model: `workload.arithmetic.requantise`.

    Parameters
    ----------
    single_rounding : whether it can round once.

    Members
    -------
    accumulator, bias : In, signed 32 bits; their sum wraps.
    multiplier : In, 31 bits, Q31; it is never negative.
    shift : In, 5 bits, to the right.
    zero_point, clamp_min, clamp_max : In, signed 8 bits, clamp_min <= clamp_max.
    rounds_once : In, 1 bit, where it can; one rounding instead of two.
    o : Out, signed 8 bits.

    Latency
    -------
    `LATENCY` cycles from the inputs to `o`, one result a cycle. No register is reset: what comes
    out in the first `LATENCY` cycles means nothing.

    Raises
    ------
    Nothing.
    """

    LATENCY: ClassVar[int] = REQUANTISE_LATENCY

    def __init__(self, *, single_rounding: bool = False) -> None:
        self.single_rounding = single_rounding
        super().__init__(
            {
                "accumulator": In(signed(32)),
                "bias": In(signed(32)),
                "multiplier": In(31),
                "shift": In(5),
                "zero_point": In(signed(8)),
                "clamp_min": In(signed(8)),
                "clamp_max": In(signed(8)),
                **({"rounds_once": In(1)} if single_rounding else {}),
                "o": Out(signed(8)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.single_rounding,)

    def build(self, platform: Any) -> Module:
        """Products of the biased sum; sums of them, in two stages; h - n; shift, in two; clamp.

        HighMul is h = (x m + 2^30) >> 31 exactly, since m >= 0. RoundingDivideByPOT is
        (h + 2^(s-1) - (h < 0)) >> s for s > 0; the sign of x may stand for that of h, because
        where they differ h is 0 and either gives 0. With n = (h < 0) and e = 1 for s > 0, and
        both 0 for s = 0, that is (v + e) >> 1 with v = 2 (h - n) >> s: what rounds is one bit
        behind the shift. Of v only a window of a few bits is shifted: what does not fit it is
        clamped.

        One rounding is (((x m) >> 31) + 2^(s-1)) >> s for s > 0: nothing is added to the product,
        and n is 0. For s = 0 the first of the two roundings is the only one.
        """
        m = Module()
        biased = Signal(signed(32))
        m.d.comb += biased.eq(self.accumulator + self.bias)
        once = self._rounds_once(m)
        products = self._multiply(m, biased)
        shift = _later(m, self.shift, MULTIPLIER_LATENCY, "shift")
        negative = _later(m, biased[-1], MULTIPLIER_LATENCY, "negative")
        rounds_away = negative & (shift != 0)
        taken = Const(1 << 30)
        if once is not None:
            late = _later(m, once, 1, "once_late")
            rounds_away &= ~late
            taken = Cat(Const(0, 30), ~late, late)
        lowered = self._join(m, products, taken, rounds_away)
        shift = _later(m, shift, 3, "shift_late")
        self._clamp(m, self._shift(m, lowered, shift))
        return m

    def _rounds_once(self, m: Module) -> Value | None:
        """Whether the product is not rounded, with the sum; None where it always is."""
        if not self.single_rounding:
            return None
        once = self.rounds_once & (self.shift != 0)
        late: Value = _later(m, once, MULTIPLIER_LATENCY - 1, "once")
        return late

    def _multiply(self, m: Module, biased: Signal) -> _Products:
        """The parts of the product."""
        multiplier = self.multiplier
        x_low, x_high = Cat(biased[:HALF], Const(0, 1)).as_signed(), biased[HALF:].as_signed()
        m_low = Cat(multiplier[:HALF], Const(0, 1)).as_signed()
        m_high = Cat(multiplier[HALF:], Const(0, 1)).as_signed()

        def product(name: str, a: Value, b: Value) -> Value:
            m.submodules[name] = part = Multiplier(a_bits=len(a), b_bits=len(b))
            m.d.comb += [part.a.eq(a), part.b.eq(b)]
            o: Value = part.o
            return o

        return _Products(
            low_low=product("low_low", x_low, m_low)[: 2 * HALF],
            low_high=product("low_high", x_low, m_high)[: 2 * HALF - 1],
            high_low=product("high_low", x_high, m_low)[: 2 * HALF].as_signed(),
            high_high=product("high_high", x_high, m_high)[: 2 * HALF - 1].as_signed(),
        )

    def _join(self, m: Module, parts: _Products, taken: Value, rounds_away: Value) -> Signal:
        """Join the parts of the product to h - n.

        The product is high_high 2^32 + middle 2^16 + 16 bits that no rounding sees. Of it and 2^30
        for rounding, 2^31 is taken away already: h - 1, to which 1 - n comes as a carry. With one
        rounding, 2^31 of the product alone.
        """
        crossed = Signal(signed(33), reset_less=True)
        lowest = Signal(signed(17), reset_less=True)
        middle = Signal(signed(34), reset_less=True)
        lowered = Signal(signed(34), reset_less=True)
        m.d.sync += [
            crossed.eq(parts.high_low + parts.low_high),
            lowest.eq((parts.low_low >> HALF) - (taken >> HALF)),
            middle.eq(crossed + lowest),
        ]
        carry = _later(m, ~rounds_away, 2, "carry")
        upper = _later(m, parts.high_high, 2, "high_high") << 1
        with_carry = Cat(carry, upper).as_signed() + Cat(carry, middle >> (31 - HALF)).as_signed()
        m.d.sync += lowered.eq(with_carry >> 1)
        return lowered

    def _shift(self, m: Module, lowered: Signal, shift: Value) -> Signal:
        """Shift, round and halve: v = 2 lowered >> shift, clipped to HALVED_BITS.

        Each step leaves away the bits above what the steps behind it can bring into the window.
        Where a step does not shift, these have to be sign.
        """
        wide, fits = _narrow(Cat(Const(0, 1), lowered), shift, FIRST_STEPS)
        window = Signal(signed(len(wide)), reset_less=True)
        is_small = Signal(reset_less=True)
        m.d.sync += [window.eq(wide), is_small.eq(fits)]
        negative = _later(m, lowered[-1], 1, "negative_late")
        shift = _later(m, shift, 1, "shift_rest")
        narrow, fits = _narrow(window, shift, LAST_STEPS)
        halved = Signal(signed(HALVED_BITS), reset_less=True)
        rounds = shift != 0
        most = (1 << (HALVED_BITS - 1)) - 1
        with m.If(is_small & fits):
            m.d.sync += halved.eq((narrow.as_signed() + rounds) >> 1)
        with m.Else():
            m.d.sync += halved.eq(Mux(negative, ~most, most))
        return halved

    def _clamp(self, m: Module, halved: Signal) -> None:
        """Add the zero point and clamp, by bounds from which it is taken ahead of time."""
        ahead = REQUANTISE_LATENCY - 2
        zero_point = _later(m, self.zero_point, ahead, "zero_point")
        clamp_min = _later(m, self.clamp_min, ahead, "clamp_min")
        clamp_max = _later(m, self.clamp_max, ahead, "clamp_max")
        low = Signal(signed(9), reset_less=True)
        high = Signal(signed(9), reset_less=True)
        m.d.sync += [low.eq(clamp_min - zero_point), high.eq(clamp_max - zero_point)]
        inside = halved + _later(m, zero_point, 1, "zero_point_late")
        smallest = _later(m, clamp_min, 1, "clamp_min_late")
        largest = _later(m, clamp_max, 1, "clamp_max_late")
        o = Signal(signed(8), reset_less=True)
        m.d.sync += o.eq(Mux(halved < low, smallest, Mux(halved > high, largest, inside)))
        m.d.comb += self.o.eq(o)


def _narrow(value: Value, shift: Value, steps: Sequence[int]) -> tuple[Value, Value]:
    """The value shifted by these bits of the shift, as narrow as the window allows.

    Gives it, and whether the bits that were left away are sign.
    """
    fits: Value = Const(1)
    for step in steps:
        width = WINDOW_BITS + (1 << step) - 1
        low, high = value[:width], value[1 << step :]
        dropped = value[width - 1 :]
        if len(dropped) > 1:
            fits &= shift[step] | ~(dropped.any() & ~dropped.all())
        value = Mux(shift[step], _extended(high, width), low)
    return value, fits


def _extended(value: Value, width: int) -> Value:
    """The lowest bits, or as many more of the sign."""
    return Cat(value, value[-1].replicate(max(0, width - len(value))))[:width]


def _later(m: Module, value: Value, cycles: int, name: str) -> Any:
    """The value some cycles later, in registers without a reset: flags are data here."""
    return delayed(m, value, cycles, name, reset=False)
