"""int32 accumulators to int8, one a cycle."""

from collections.abc import Hashable
from typing import Any, ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out

from naas_hw.arch.timing import REQUANTISE_LATENCY
from naas_hw.rtl.primitives.shared import SharedComponent

HALF = 16
"""Where the factors of the product are cut, so that each part fits one 18 x 18 multiplier."""


class Requantiser(SharedComponent):
    """One lane of requantisation, rounded as gemmlowp rounds.

    `o` = clamp(zero_point + RoundingDivideByPOT(HighMul(accumulator + bias, multiplier), shift)).

    All inputs belong together and are taken every cycle; `o` follows `LATENCY` cycles later. No
    input is remembered beyond its result, so parameters may change from one value to the next.
    There is no handshake and nothing stalls: who gives a value counts the cycles. Reset clears
    what is in the pipeline to zero. Golden model: `workload.arithmetic.requantise`.

    Members
    -------
    accumulator, bias : In, signed 32 bits; their sum wraps.
    multiplier : In, 31 bits, Q31; it is never negative.
    shift : In, 5 bits, to the right.
    zero_point, clamp_min, clamp_max : In, signed 8 bits, clamp_min <= clamp_max.
    o : Out, signed 8 bits.
    """

    LATENCY: ClassVar[int] = REQUANTISE_LATENCY

    accumulator: Signal
    bias: Signal
    multiplier: Signal
    shift: Signal
    zero_point: Signal
    clamp_min: Signal
    clamp_max: Signal
    o: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "accumulator": In(signed(32)),
                "bias": In(signed(32)),
                "multiplier": In(31),
                "shift": In(5),
                "zero_point": In(signed(8)),
                "clamp_min": In(signed(8)),
                "clamp_max": In(signed(8)),
                "o": Out(signed(8)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return ()

    def build(self, platform: Any) -> Module:
        """Six stages: add the bias; multiply in four parts; join the parts; add; shift; clamp.

        HighMul is h = (x m + 2^30) >> 31 exactly, since m >= 0. RoundingDivideByPOT is
        (h + 2^(s-1) - (h < 0)) >> s for s > 0; the sign of x may stand for that of h, because
        where they differ h is 0 and either gives 0. With n = (h < 0) and e = 1 for s > 0, and
        both 0 for s = 0, that is (v + e) >> 1 with v = 2 (h - n) >> s: what rounds is one bit
        behind the shift, and clamping compares v with bounds made beforehand.
        """
        m = Module()

        def delayed(value: Any, name: str, cycles: int) -> Any:
            for stage in range(1, cycles + 1):
                register = Signal(value.shape(), name=f"{name}_{stage}", reset_less=True)
                m.d.sync += register.eq(value)
                value = register
            return value

        biased = Signal(signed(32), reset_less=True)
        m.d.sync += biased.eq(self.accumulator + self.bias)
        multiplier = delayed(self.multiplier, "multiplier", 1)

        x_low, x_high = biased[:HALF], biased[HALF:].as_signed()
        m_low, m_high = multiplier[:HALF], multiplier[HALF:]
        low_low = Signal(signed(33), reset_less=True)
        low_high = Signal(31, reset_less=True)
        high_low = Signal(signed(32), reset_less=True)
        high_high = Signal(signed(31), reset_less=True)
        m.d.sync += [
            low_low.eq(x_low * m_low - (1 << 30)),
            low_high.eq(x_low * m_high),
            high_low.eq(x_high * m_low),
            high_high.eq(x_high * m_high),
        ]

        # The product is high_high 2^32 + middle 2^16 + 16 bits that no rounding sees. Of it and
        # 2^30 for rounding, 2^31 is taken away already: h - 1, to which 1 - n comes as a carry.
        middle = Signal(signed(35), reset_less=True)
        m.d.sync += middle.eq(high_low + low_high + (low_low >> HALF))
        negative = delayed(biased[-1], "negative", 1)
        shift = delayed(self.shift, "shift", 2)
        carry = Signal(reset_less=True)
        m.d.sync += carry.eq(~(negative & (shift != 0)))

        lowered = Signal(signed(34), reset_less=True)
        upper = delayed(high_high, "high_high", 1) << 1
        with_carry = Cat(carry, upper).as_signed() + Cat(carry, middle >> (31 - HALF)).as_signed()
        m.d.sync += lowered.eq(with_carry >> 1)

        shift = delayed(shift, "shift_late", 2)
        shifted = Signal(signed(34), reset_less=True)
        m.d.sync += shifted.eq((lowered << 1) >> shift)

        # Bounds of v are moved by the zero point ahead of time: the last stage only compares.
        zero_point = delayed(self.zero_point, "zero_point", 4)
        low = Signal(signed(11), reset_less=True)
        high = Signal(signed(11), reset_less=True)
        rounds = Signal()
        clamp_min = delayed(self.clamp_min, "clamp_min", 4)
        clamp_max = delayed(self.clamp_max, "clamp_max", 4)
        m.d.comb += rounds.eq(shift != 0)
        m.d.sync += [
            low.eq(((clamp_min - zero_point) << 1) - rounds),
            high.eq(((clamp_max - zero_point) << 1) + 2 - rounds),
        ]
        halved = (shifted[:9] + delayed(rounds, "rounds", 1))[1:9]
        inside = halved + delayed(zero_point, "zero_point_late", 1)
        below, above = shifted < low, shifted >= high
        clamp_min = delayed(clamp_min, "clamp_min_late", 1)
        clamp_max = delayed(clamp_max, "clamp_max_late", 1)
        o = Signal(signed(8), reset_less=True)
        m.d.sync += o.eq(Mux(below, clamp_min, Mux(above, clamp_max, inside)))
        m.d.comb += self.o.eq(o)
        return m
