"""Figures are read from what Timeloop 3.0.3 and MAESTRO write, in excerpts of their own output."""

import pytest

from naas_hw.core.errors import InputError
from naas_hw.exchange.peer_figures import maestro_figures, timeloop_figures

STATS = """\
Operational Intensity Stats
---------------------------
    Total elementwise ops                   : 3024
    Total memory accesses required          : 762

Summary Stats
-------------
GFLOPs (@1GHz): 5.21
Utilization: 0.52
Cycles: 1152
Energy: 0.91 uJ
EDP(J*cycle): 1.05e-03
Area: 0.00 mm^2

Computes = 3024
fJ/Compute
    mac                        = 300.00
    PEBuffer                   = 3125.09
    Total                      = 302541.07
"""
TABLE = (
    "Neural Network Name, Layer Number, NumPEs, Runtime (Cycles), "
    "Activity count-based Energy (nJ), Throughput (MACs/Cycle), Num MACs, PE power\n"
    "net_1,conv_1_a,12,4731,23.6615,11.688,55296,14.6676\n"
)


def test_timeloop() -> None:
    """Energy by the product, 302,541 fJ times 3,024: the other line says 0.91 uJ."""
    found = timeloop_figures(STATS)
    assert (found.cycles, found.macs) == (1152, 3024)
    assert found.energy_pj == pytest.approx(302541.07 * 3024 / 1000)


def test_maestro() -> None:
    found = maestro_figures(TABLE)
    assert (found.cycles, found.macs) == (4731, 55296)
    assert found.energy_pj == pytest.approx(23661.5)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Cycles: 1152", "", "has no number Cycles"),
        ("Computes = 3024", "Computes = nan", "has no number Computes"),
        ("Computes = 3024", "Computes = 1.2.3", "must hold Computes, a number, not 1.2.3"),
        ("Computes = 3024", f"Computes = {'9' * 40}", "has no number Computes"),
        ("    Total                ", "", "has no number fJ/Compute Total"),
    ],
)
def test_a_missing_line_is_named(old: str, new: str, sentence: str) -> None:
    assert old in STATS
    with pytest.raises(InputError, match=f"its result {sentence}"):
        timeloop_figures(STATS.replace(old, new))


@pytest.mark.parametrize("text", ["", TABLE.splitlines()[0], TABLE.replace("Num MACs", "MACs")])
def test_a_missing_column_is_named(text: str) -> None:
    with pytest.raises(InputError, match="its result has no number "):
        maestro_figures(text)
