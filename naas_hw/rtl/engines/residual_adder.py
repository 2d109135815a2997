"""A residual is added to int8 outputs, one a lane in each cycle."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.fields import FACTOR_BITS
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS: Final = (
    "residual_main_multiplier",
    "residual_multiplier",
    "residual_shift",
    "residual_main_zero_point",
    "residual_zero_point",
    "residual_output_zero_point",
    "residual_clamp_min",
    "residual_clamp_max",
)

DIFFERENCE_BITS: Final = 9
"""Of a number of eight bits without its zero point."""
PRODUCT_BITS: Final = DIFFERENCE_BITS + FACTOR_BITS
TOTAL_BITS: Final = PRODUCT_BITS + 1


@dataclass(frozen=True)
class _Rounding:
    """What rounds and clamps in all lanes: registers, steady during a layer."""

    lost: Signal
    """Bits of a total that are below its rounding bit."""
    low: Signal
    """Where halves are clamped, see `ResidualAdder.build`."""
    high: Signal


class ResidualAdder(SharedComponent):
    """Adds int8 numbers that have scales of their own.

    `o` = clamp(z_o + shift((i - z_i) M_i + (r - z_r) M_r)), the shift rounded to nearest, a tie
    away from zero. There is no handshake and nothing stalls: who gives numbers counts the cycles.
    Golden model: `naas_hw.workload.arithmetic.epilogue.Addition`.

    Parameters
    ----------
    lanes : numbers that are added in a cycle, at least 1.

    Members
    -------
    fields : In, the fields of the descriptor in `FIELDS`.
    i : In, signed 8 bits for each lane: z_i, M_i are `main_zero_point` and `main_multiplier`.
    residual : In, signed 8 bits for each lane.
    o : Out, signed 8 bits for each lane.

    Latency
    -------
    `LATENCY` cycles from the numbers to `o`, a sum a lane in each cycle, from two cycles after the
    fields have come. No register is reset: what comes out in the first `LATENCY` cycles means
    nothing.

    Raises
    ------
    ValueError : there is no lane.
    """

    LATENCY: ClassVar[int] = 5

    def __init__(self, *, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"lanes must be at least 1, not {lanes}")
        self.lanes = lanes
        numbers = data.ArrayLayout(signed(8), lanes)
        super().__init__(
            {
                "fields": In(FieldSignature(FIELDS)),
                "i": In(numbers),
                "residual": In(numbers),
                "o": Out(numbers),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.lanes,)

    def build(self, platform: Any) -> Module:
        """Five stages: subtract zero points; multiply; add; shift; round and clamp.

        A total t that is shifted by s > 0 becomes a + b, where a = t >> s, and b is the bit behind
        a, but 0 for a negative tie. The stage of the shift keeps w = 2 a + b, so that a + b >= n is
        w >= 2 n - 1 and bounds that are made beforehand clamp it. For s = 0, b is 0.
        """
        m = Module()
        rounding = self._rounding(m)
        for k in range(self.lanes):
            halves = self._shift(m, k, self._add_products(m, k), rounding)
            m.d.comb += self.o[k].eq(self._clamp(m, k, halves, rounding))
        return m

    def _rounding(self, m: Module) -> _Rounding:
        fields = self.fields
        lost = Signal(TOTAL_BITS, reset_less=True)
        low = Signal(signed(11), reset_less=True)
        high = Signal(signed(11), reset_less=True)
        zero_point = fields.residual_output_zero_point
        m.d.sync += [
            lost.eq(((1 << fields.residual_shift) - 1) >> 1),
            low.eq(((fields.residual_clamp_min - zero_point) << 1) - 1),
            high.eq(((fields.residual_clamp_max - zero_point) << 1) - 1),
        ]
        return _Rounding(lost, low, high)

    def _add_products(self, m: Module, k: int) -> Signal:
        """The sum of the two products of a lane."""
        fields = self.fields
        total = Signal(signed(TOTAL_BITS), name=f"total_{k}", reset_less=True)
        main = self._product(
            m,
            f"main_{k}",
            self.i[k] - fields.residual_main_zero_point,
            fields.residual_main_multiplier,
        )
        residual = self._product(
            m,
            f"residual_{k}",
            self.residual[k] - fields.residual_zero_point,
            fields.residual_multiplier,
        )
        m.d.sync += total.eq(main + residual)
        return total

    def _product(self, m: Module, name: str, number: Value, factor: Value) -> Signal:
        difference = Signal(signed(DIFFERENCE_BITS), name=f"{name}_difference", reset_less=True)
        product = Signal(signed(PRODUCT_BITS), name=f"{name}_product", reset_less=True)
        m.d.sync += [difference.eq(number), product.eq(difference * factor)]
        return product

    def _shift(self, m: Module, k: int, total: Signal, rounding: _Rounding) -> Signal:
        """The total, shifted, and the bit by which it is rounded as the lowest one."""
        halves = Signal(signed(TOTAL_BITS + 1), name=f"halves_{k}", reset_less=True)
        shifted = Signal(signed(TOTAL_BITS + 1), name=f"shifted_{k}")
        is_above_tie = (total & rounding.lost).any()
        m.d.comb += shifted.eq((total << 1) >> self.fields.residual_shift)
        rounds_up = shifted[0] & (~total[-1] | is_above_tie)
        m.d.sync += halves.eq(Cat(rounds_up, shifted[1:]))
        return halves

    def _clamp(self, m: Module, k: int, halves: Signal, rounding: _Rounding) -> Signal:
        """Round, add the zero point, and clamp."""
        fields = self.fields
        o = Signal(signed(8), name=f"sum_{k}", reset_less=True)
        inside = halves[1:9] + halves[0] + fields.residual_output_zero_point
        m.d.sync += o.eq(
            Mux(
                halves < rounding.low,
                fields.residual_clamp_min,
                Mux(halves >= rounding.high, fields.residual_clamp_max, inside),
            )
        )
        return o
