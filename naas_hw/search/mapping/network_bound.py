"""Lower bounds of networks on an accelerator that hold for every mapping.

Each engine has to do each piece of its work at least once. The slowest engine bounds the cycles of
a layer; the sum of all accesses bounds its energy. Repeated loads, spills and stalls are left out,
so the bounds hold for every legal mapping. They rule out arrays that do not fit a network.

Array legend: Y layers, D dims in the order of `DIMS`.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.compiler.layout import descriptor_beats
from naas_hw.cost.compiled.batch import SAVED_BETWEEN_LAYERS
from naas_hw.mapping.geometry import ceil_div
from naas_hw.search.objective import Objective, geometric_mean
from naas_hw.workload.layer import DIMS, Kind, Layer
from naas_hw.workload.network import Network
from naas_hw.workload.option import TABLE_SIZE
from naas_hw.workload.sizes import with_stated_padding

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_REDUCTIONS: Final = [DIMS.index(dim) for dim in REDUCTION_DIMS]


class NetworkBound:
    """Lower bounds of all layers of a network on any accelerator.

    Parameters
    ----------
    network : its layers that have a program, in order of execution.
    table : energies of accesses.
    """

    def __init__(self, network: Network, table: EnergyTable) -> None:
        self.layers = tuple(layer for layer in network.layers if layer.has_program)
        self.table = table

    # What a layer is ---------------------------------------------------------------------------

    @cached_property
    def dims_YD(self) -> Ints:
        """Bounds of the loops."""
        return np.array([[layer.bounds[d] for d in DIMS] for layer in self.layers], np.int64)

    @cached_property
    def groups_Y(self) -> Ints:
        """How often each layer is repeated."""
        return np.array([layer.groups for layer in self.layers], np.int64)

    @cached_property
    def is_depthwise_Y(self) -> NDArray[np.bool_]:
        """Where K is the channel of the inputs."""
        return np.array([layer.kind is Kind.DEPTHWISE for layer in self.layers])

    @cached_property
    def pixels_Y(self) -> Ints:
        """Input pixels that some output needs, those of the padding left out; 1 at least."""
        return np.array([_rows(layer) * _columns(layer) for layer in self.layers], np.int64)

    @cached_property
    def channels_Y(self) -> Ints:
        """Input channels of a group."""
        column = np.where(self.is_depthwise_Y, DIMS.index("K"), DIMS.index("C"))
        channels: Ints = self.dims_YD[np.arange(len(column)), column]
        return channels

    @cached_property
    def weights_Y(self) -> Ints:
        """Bytes of weights of a group."""
        columns = [DIMS.index(dim) for dim in ("K", "C", "R", "S")]
        return _product(self.dims_YD[:, columns])

    @cached_property
    def outputs_Y(self) -> Ints:
        """Output pixels."""
        columns = [DIMS.index("P"), DIMS.index("Q")]
        return _product(self.dims_YD[:, columns])

    @cached_property
    def has_residual_Y(self) -> NDArray[np.bool_]:
        """Where a tensor of the outputs' shape is added."""
        return np.array([layer.residual for layer in self.layers])

    @cached_property
    def table_bytes_Y(self) -> Ints:
        """Bytes of the layer's table."""
        return np.array([TABLE_SIZE * layer.table for layer in self.layers], np.int64)

    @cached_property
    def is_maximum_Y(self) -> NDArray[np.bool_]:
        """Where one PE of a tree computes."""
        return np.array([layer.maximum for layer in self.layers])

    # On an accelerator -------------------------------------------------------------------------

    def cycles_Y(self, accelerator: Accelerator) -> Ints:
        """Cycles of the slowest engine, of each layer."""
        period = accelerator.dram_beat_period_cycles
        loads, stores = self._beats_YY(accelerator)
        engines = (
            self._compute_Y(accelerator),
            period * (loads + self._table_beats_Y(accelerator)),
            period * stores,
            ceil_div(self.weights_Y, accelerator.weight_network_lanes),
            ceil_div(self.pixels_Y * self.channels_Y, self._input_lanes_Y(accelerator)),
            self._drain_Y(accelerator),
        )
        slowest: Ints = np.maximum.reduce(engines)
        return self.groups_Y * slowest

    def energy_pj_Y(self, accelerator: Accelerator) -> Floats:
        """Energy of what has to be accessed, of each layer."""
        price = self.table.access_energy(accelerator)
        loads, stores = self._beats_YY(accelerator)
        macs = _product(self.dims_YD)
        used = np.minimum(self.dims_YD, self._positions_YD(accelerator))
        reduced = _product(used[:, _REDUCTIONS])
        weight_words = ceil_div(self.weights_Y, accelerator.beat_bytes)
        input_words = self.pixels_Y * ceil_div(self.channels_Y, accelerator.beat_bytes)
        parts = (
            macs * (price.mac + price.l1_weight_read + price.l1_input_read),
            2 * macs / reduced * price.accumulator,
            (loads + stores) * (price.dram_beat + price.l2_word),
            (weight_words + input_words) * price.l2_word,
            self._drain_Y(accelerator) * price.l2_sum_word,
            self._drain_Y(accelerator) * self.has_residual_Y * price.l2_word,
            self._table_beats_Y(accelerator) * price.dram_beat,
        )
        descriptor = descriptor_beats(accelerator) * price.dram_beat
        return np.asarray(self.groups_Y * (sum(parts) + descriptor), np.float64)

    def _compute_Y(self, accelerator: Accelerator) -> Ints:
        """Passes over the array that cover all loops."""
        return _product(ceil_div(self.dims_YD, self._positions_YD(accelerator)))

    def _positions_YD(self, accelerator: Accelerator) -> Ints:
        """Positions along each dim that may be used."""
        sizes_D = np.array([accelerator.size_of(dim) for dim in DIMS], np.int64)
        is_reduced_D = np.isin(DIMS, REDUCTION_DIMS)
        return np.where(self.is_maximum_Y[:, np.newaxis] & is_reduced_D, 1, sizes_D)

    def _table_beats_Y(self, accelerator: Accelerator) -> Ints:
        return self.table_bytes_Y // accelerator.beat_bytes

    def _beats_YY(self, accelerator: Accelerator) -> tuple[Ints, Ints]:
        """Beats of load, tables left out, and of store if everything moves once."""
        beat = accelerator.beat_bytes
        inputs = self.pixels_Y * ceil_div(self.channels_Y, beat)
        kernels = self.dims_YD[:, DIMS.index("K")]
        outputs = self.outputs_Y * ceil_div(kernels, beat)
        return ceil_div(self.weights_Y, beat) + inputs + outputs * self.has_residual_Y, outputs

    def _input_lanes_Y(self, accelerator: Accelerator) -> Ints:
        return np.where(
            self.is_depthwise_Y,
            accelerator.depthwise_network_lanes,
            accelerator.input_network_lanes,
        )

    def _drain_Y(self, accelerator: Accelerator) -> Ints:
        """Beats of drain if each output leaves once."""
        lanes = accelerator.drain_group if accelerator.has("K") else accelerator.drain_lanes
        return self.outputs_Y * ceil_div(self.dims_YD[:, DIMS.index("K")], lanes)

    # The network -------------------------------------------------------------------------------

    def cycles(self, accelerator: Accelerator) -> int:
        """Of all layers in one program."""
        between = (len(self.layers) - 1) * SAVED_BETWEEN_LAYERS
        return max(1, int(self.cycles_Y(accelerator).sum()) - between)

    def energy_pj(self, accelerator: Accelerator) -> float:
        """Of all layers."""
        return float(self.energy_pj_Y(accelerator).sum())

    def score(self, accelerator: Accelerator, objective: Objective) -> float:
        """The objective of the whole network is never below this."""
        return objective.score(float(self.cycles(accelerator)), self.energy_pj(accelerator))


def lower_bound(
    bounds: Sequence[NetworkBound], accelerator: Accelerator, objective: Objective
) -> float:
    """Geometric mean of the bounds of several networks."""
    return geometric_mean([bound.score(accelerator, objective) for bound in bounds])


def layer_bound(
    accelerator: Accelerator, layer: Layer, objective: Objective, table: EnergyTable
) -> float:
    """Return a score that no legal mapping of one layer can beat.

    A transposed layer counts as the convolution that computes it.
    """
    update = {} if layer.has_program else {"kind": Kind.CONV}
    network = Network(name="one", layers=(with_stated_padding(layer.model_copy(update=update)),))
    return NetworkBound(network, table).score(accelerator, objective)


def _product(factors_YD: Ints) -> Ints:
    products: Ints = factors_YD.prod(axis=1)
    return products


def _rows(layer: Layer) -> int:
    return _touched(
        layer.P, layer.R, layer.stride[0], layer.dilation[0], layer.padding[0], layer.height
    )


def _columns(layer: Layer) -> int:
    return _touched(
        layer.Q, layer.S, layer.stride[1], layer.dilation[1], layer.padding[1], layer.width
    )


def _touched(outputs: int, kernel: int, stride: int, dilation: int, padding: int, size: int) -> int:
    """Indices of the input that some output needs; 1 if none exists."""
    if outputs < kernel:  # either may count the outer steps; the fewer the better
        outputs, kernel, stride, dilation = kernel, outputs, dilation, stride
    reach = (outputs - 1) * stride
    needed = np.zeros(reach + (kernel - 1) * dilation + 1, np.bool_)
    for first in range(0, kernel * dilation, dilation):
        needed[first : first + reach + 1 : stride] = True
    return max(1, int(np.count_nonzero(needed[padding : padding + size])))
