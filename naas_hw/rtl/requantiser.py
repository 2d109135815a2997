"""int32 accumulators to int8, one a cycle."""

from collections.abc import Hashable
from typing import Any, ClassVar

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out

from naas_hw.arch.timing import REQUANTISE_LATENCY
from naas_hw.rtl.shared import SharedComponent

HALF = 16
"""Where the factors of the product are cut, so that each part fits one 18 x 18 multiplier."""


class Requantiser(SharedComponent):
    """One lane of requantisation, rounded as gemmlowp rounds.

    `o` = clamp(zero_point + RoundingDivideByPOT(HighMul(accumulator + bias, multiplier), shift)).

    All inputs belong together and are taken every cycle; `o` follows `LATENCY` cycles later. No
    input is remembered beyond its result, so parameters may change from one value to the next.
    There is no handshake and nothing stalls: who gives a value counts the cycles. Reset clears
    what is in the pipeline to zero. Golden model: `naas_hw.workload.requantise.requantise`.

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
        """Six stages: add the bias; multiply in four parts; join the parts; round; shift; clamp.

        Both roundings are additions in front of a shift. HighMul is (x m + 2^30) >> 31 exactly,
        since m >= 0. RoundingDivideByPOT is (h + 2^(s-1) - (h < 0)) >> s for s > 0; the sign of x
        may stand for that of h, because where they differ h is 0 and either gives 0.
        """
        m = Module()

        def delayed(value: Any, name: str, cycles: int) -> Any:
            for stage in range(1, cycles + 1):
                register = Signal(value.shape(), name=f"{name}_{stage}")
                m.d.sync += register.eq(value)
                value = register
            return value

        biased = Signal(signed(32))
        m.d.sync += biased.eq(self.accumulator + self.bias)
        multiplier = delayed(self.multiplier, "multiplier", 1)

        x_low, x_high = biased[:HALF], biased[HALF:].as_signed()
        m_low, m_high = multiplier[:HALF], multiplier[HALF:]
        low_low, low_high = Signal(32), Signal(31)
        high_low, high_high = Signal(signed(32)), Signal(signed(31))
        m.d.sync += [
            low_low.eq(x_low * m_low),
            low_high.eq(x_low * m_high),
            high_low.eq(x_high * m_low),
            high_high.eq(x_high * m_high),
        ]

        # The product is high_high 2^32 + middle 2^16 + 16 bits that no rounding sees.
        middle = Signal(signed(35))
        m.d.sync += middle.eq(high_low + low_high + (low_low[HALF:] + (1 << (30 - HALF))))
        negative = delayed(biased[-1], "negative", 1)
        shift = delayed(self.shift, "shift", 2)
        half = Signal(signed(32))
        m.d.sync += half.eq(Mux(shift == 0, 0, ((1 << shift) >> 1) - negative))

        rounded = Signal(signed(33))
        upper = delayed(high_high, "high_high", 1) << 1
        m.d.sync += rounded.eq(upper + (middle >> (31 - HALF)) + half)

        shifted = Signal(signed(32))
        m.d.sync += shifted.eq(rounded >> delayed(shift, "shift_late", 2))

        # Bounds are moved by the zero point ahead of time, so that the last stage only compares.
        zero_point = delayed(self.zero_point, "zero_point", 4)
        low, high = Signal(signed(9)), Signal(signed(9))
        clamp_min = delayed(self.clamp_min, "clamp_min", 4)
        clamp_max = delayed(self.clamp_max, "clamp_max", 4)
        m.d.sync += [low.eq(clamp_min - zero_point), high.eq(clamp_max - zero_point)]
        inside = shifted[:8] + delayed(zero_point, "zero_point_late", 1)
        below, above = shifted < low, shifted > high
        clamp_min = delayed(clamp_min, "clamp_min_late", 1)
        clamp_max = delayed(clamp_max, "clamp_max_late", 1)
        m.d.sync += self.o.eq(Mux(below, clamp_min, Mux(above, clamp_max, inside)))
        return m
