"""Which weight buffers take the weights that pass by."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.arch.accelerator import WEIGHT_DIMS, Accelerator, Axis
from naas_hw.rtl.array.private_buffers import weight_write_port
from naas_hw.rtl.array.signatures import TARGET_LEAD, WeightDeliverySignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import all_of
from naas_hw.rtl.primitives.positions import Position, key, positions
from naas_hw.rtl.primitives.shared import SharedComponent


class WeightCapture(SharedComponent):
    """Turns delivered weights into writes of the weight buffers of all weight positions.

    A buffer takes them where the delivered group holds its position along every weight axis. Along
    the vector axis it takes the lane of its position in the group; where no axis is a weight axis,
    the one buffer takes all lanes. Golden model: these rules.

    Parameters
    ----------
    accelerator : axes and lanes.

    Members
    -------
    weights : In, `WeightDeliverySignature`.
    used : In, one bit for each weight position; the others take nothing.
    write : Out, `weight_write_port`.

    Latency
    -------
    Weights are written in the cycle in which they come, one write in every cycle. Nothing is
    written in the first TARGET_LEAD cycles after a reset.

    Raises
    ------
    Nothing.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        super().__init__(
            {
                "weights": In(WeightDeliverySignature(lanes=accelerator.weight_network_lanes)),
                "used": In(len(positions(accelerator, WEIGHT_DIMS))),
                "write": Out(weight_write_port(accelerator)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator,)

    def build(self, platform: Any) -> Module:
        m = Module()
        word_bits = 8 * self.accelerator.weight_word_bytes
        axes = [
            (axis, self._hits(m, axis, number))
            for axis, number in zip(self.accelerator.axes, self.weights.group, strict=False)
            if axis.dim in WEIGHT_DIMS
        ]
        valid = Signal()
        m.d.sync += valid.eq(self.weights.valid)
        address = delayed(m, self.weights.address, TARGET_LEAD, "address")
        m.d.comb += self.write.address.eq(address)
        for i, where in enumerate(positions(self.accelerator, WEIGHT_DIMS)):
            hit = all_of(hits[where[axis.dim]] for axis, hits in axes)
            enable = Signal(name=f"write_{key(where)}")
            m.d.sync += enable.eq(valid & hit & self.used[i])
            m.d.comb += [
                self.write.enable[i].eq(enable),
                self.write.data.word_select(i, word_bits).eq(self._word(where)),
            ]
        return m

    def _hits(self, m: Module, axis: Axis, group: Value) -> list[Signal]:
        """For each position of a weight axis whether it is of the group, a cycle later."""
        a = self.accelerator
        lanes = a.weight_network_lanes if axis.dim == a.weight_vector_dim else 1
        hits = [Signal(name=f"hit_{axis.dim.lower()}_{g}") for g in range(axis.size // lanes)]
        m.d.sync += [hit.eq(group == g) for g, hit in enumerate(hits)]
        return [hits[at // lanes] for at in range(axis.size)]

    def _word(self, where: Position) -> Value:
        """The lanes that a buffer takes."""
        a = self.accelerator
        vector = a.weight_vector_dim
        lane = where[vector] % a.weight_network_lanes if vector else 0
        word: Value = self.weights.data.word_select(lane, 8 * a.weight_word_bytes)
        return word
