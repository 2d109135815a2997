"""What no mapping can beat: each layer takes as long as the busiest part of the accelerator.

The four parts are the PEs, the bus in each direction and drain. Every PE is at work, every byte
crosses the bus once, and every beat and every lane is full. No array, buffer or mapping is chosen:
a budget and the lanes of drain are enough.

Array legend: Y layers, X parts (products, loads, stores, drain).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.budget import Budget
from naas_hw.arch.technology import SIZED
from naas_hw.search.mapping.network_bound import NetworkBound
from naas_hw.workload.layer import DIMS
from naas_hw.workload.network import Network

_DRAIN: Final = 3
"""Index of drain among the parts."""


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """Least cycles of a network.

    Members
    -------
    cycles : sum over the layers.
    drain_share : share of them in layers whose busiest part is drain.
    """

    cycles: float
    drain_share: float


def roofline(network: Network, budget: Budget, drain_lanes: int) -> Roofline:
    """Least cycles of a network within a budget with these lanes of drain.

    Notes
    -----
    A layer takes the largest of products / PEs, loads / B, stores / B and outputs / D cycles.
    Loads are the bytes of weights and of inputs, stores those of outputs, B the bytes of a beat and
    D the lanes of drain. Where several are the largest, drain counts.
    """
    parts_YX = _part_cycles(network, budget, drain_lanes)
    cycles_Y = parts_YX.max(axis=1)
    is_drain_Y = parts_YX[:, _DRAIN] == cycles_Y
    total = float(cycles_Y.sum())
    return Roofline(cycles=total, drain_share=float(cycles_Y[is_drain_Y].sum()) / total)


def _part_cycles(network: Network, budget: Budget, drain_lanes: int) -> NDArray[np.float64]:
    sizes = NetworkBound(network, SIZED)  # its sizes of layers do not depend on the energies
    products_Y = sizes.dims_YD.prod(axis=1)
    outputs_Y = sizes.outputs_Y * sizes.dims_YD[:, DIMS.index("K")]
    loads_Y = sizes.weights_Y + sizes.pixels_Y * sizes.channels_Y
    bytes_per_cycle = budget.beat_bytes / budget.dram_beat_period_cycles
    parts = (
        products_Y / budget.max_pes,
        loads_Y / bytes_per_cycle,
        outputs_Y / bytes_per_cycle,
        outputs_Y / drain_lanes,
    )
    return np.stack(parts, axis=1) * sizes.groups_Y[:, np.newaxis]
