"""From one technology to another: by the equations of Stillmaker and Baas.

A. Stillmaker and B. Baas, Scaling equations for the accurate prediction of CMOS device performance
from 180 nm to 7 nm, Integration 58 (2017), 74-81. They fit the energy of a gate in each node by a
polynomial of the supply voltage, and give the area of the same circuit in each node. The high
performance transistors are taken where they give two kinds.

Notes
-----
The rule is for logic. Memories and wires shrink less: N. Jouppi et al. (Ten lessons from three
generations shaped Google's TPUv4i, ISCA 2021, table 2) find 8-bit products 2.9 times and 8 KiB of
SRAM 1.3 times cheaper in 7 nm than in 45 nm, where the rule says more than ten times. So it is good
for a step of one or two nodes, and flatters a table that is carried further.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.core.errors import InputError

RULE: Final = "Stillmaker and Baas, Integration 58 (2017)"

ENERGY_COEFFICIENTS: Final[Mapping[float, tuple[float, float, float]]] = {
    7: (0.1776, -0.09097, 0.02447),
    10: (0.2068, -0.09311, 0.02375),
    14: (0.2363, -0.09675, 0.02239),
    16: (0.2958, -0.1241, 0.03024),
    20: (0.373, -0.1582, 0.04104),
    32: (0.8367, -0.4341, 0.1701),
    45: (1.018, -0.3107, 0.1539),
    65: (3.755, -4.398, 1.975),
    90: (4.762, -4.781, 2.092),
    130: (7.171, -6.709, 2.904),
}
"""Node in nm -> a, b, c of the energy a V^2 + b V + c; high performance from 45 nm on."""

RELATIVE_AREA: Final[Mapping[float, float]] = {
    7: 0.059,
    10: 0.1,
    14: 0.17,
    16: 0.19,
    20: 0.21,
    32: 0.46,
    45: 1.0,
    65: 1.5,
    90: 2.8,
    130: 6.4,
}
"""Node in nm -> area of what has 1 in 45 nm."""

_NODES: Final = tuple(sorted(ENERGY_COEFFICIENTS))


class Technology(BaseModel):
    """A process and the voltage that its logic runs at; frozen.

    Parameters
    ----------
    node_nm : 7 to 130; between two nodes of the rule it is interpolated.
    supply_v : volts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    node_nm: Annotated[float, Field(ge=_NODES[0], le=_NODES[-1])]
    supply_v: Annotated[float, Field(ge=0.5, le=1.4)]

    def __str__(self) -> str:
        return f"{self.node_nm:g} nm, {self.supply_v:g} V"


def technology(node_nm: float, supply_v: float) -> Technology:
    """A technology out of numbers that somebody typed.

    Raises
    ------
    InputError : the rule says nothing of it.
    """
    if not _NODES[0] <= node_nm <= _NODES[-1]:
        raise InputError(f"node_nm must be {_NODES[0]:g} to {_NODES[-1]:g}, not {node_nm:g}")
    if not 0.5 <= supply_v <= 1.4:
        raise InputError(f"supply_v must be 0.5 to 1.4, not {supply_v:g}")
    return Technology(node_nm=node_nm, supply_v=supply_v)


def energy_factor(source: Technology, target: Technology) -> float:
    """Energy of a circuit in the target by its energy in the source.

    Examples
    --------
    >>> a, b = Technology(node_nm=45, supply_v=0.9), Technology(node_nm=20, supply_v=0.9)
    >>> round(energy_factor(a, b), 3)
    0.287
    """
    return _gate_energy(target) / _gate_energy(source)


def area_factor(source_nm: float, target_nm: float) -> float:
    """Area of a circuit in the target node by its area in the source node."""
    return _interpolated(RELATIVE_AREA, target_nm) / _interpolated(RELATIVE_AREA, source_nm)


def _gate_energy(tech: Technology) -> float:
    volts = tech.supply_v
    energies = {
        node: a * volts**2 + b * volts + c for node, (a, b, c) in ENERGY_COEFFICIENTS.items()
    }
    return _interpolated(energies, tech.node_nm)


def _interpolated(values: Mapping[float, float], node_nm: float) -> float:
    """Linear between the two nodes around this one."""
    right = max(1, bisect_left(_NODES, node_nm))
    low, high = _NODES[right - 1], _NODES[right]
    share = (node_nm - low) / (high - low)
    return values[low] * (1 - share) + values[high] * share
