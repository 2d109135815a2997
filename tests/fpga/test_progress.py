"""What a build tells while it runs is what its tools have written."""

import pytest

from naas_hw.fpga.progress import Stage, stage_of_log

PACKING = """\
Info: constraining clock net 'clk' to 80.00 MHz
Info: Packing IOs..
"""
ROUGH = (
    PACKING
    + """\
Info: Running Static placer...
Info: ⌁ initialising cells...
Info: iter=1 steplen=0.748883 a=1.000000 penalty=[0.00, 0.00, 0.00, 0.00]
Info: overlap: COMB=92.1%, FF=90.6%, RAM=71.4%, MUL=61.4%
Info: iter=2 steplen=0.969466 a=1.618034 penalty=[0.00, 0.00, 0.00, 0.00]
Info: overlap: COMB=91.4%, FF=90.1%, RAM=70.9%, MUL=61.2%
"""
)
ANALYTIC = (
    PACKING
    + """\
Info: Creating initial analytic placement for 12362 cells, random placement wirelen = 1549021.
Info: Running main analytical placer, max placement attempts per cell = 60252753.
Info:     at iteration #1, type ALL: wirelen solved = 4365, spread = 252270, legal = 259658;
Info:     at iteration #3, type ALL: wirelen solved = 19993, spread = 175209, legal = 182229;
"""
)
REFINED = (
    ROUGH
    + """\
Info: Running simulated annealing placer for refinement.
Info:   at iteration #15: temp = 0.000000, timing cost = 1795, wirelen = 82144
"""
)
ROUTING = REFINED + "Info: Routing globals...\n\nInfo: Routing..\nInfo: Setting up routing queue.\n"
ARCS = (
    ROUTING
    + """\
Info: Routing 58834 arcs.
Info:            |   (re-)routed arcs  |   delta    | remaining|       time spent     |
Info:    IterCnt |  w/ripup   wo/ripup |  w/r  wo/r |      arcs| batch(sec) total(sec)|
"""
)
SOME = (
    ARCS
    + "Info:       2000 |      358       1641 |  220   780 |     29417|       0.36       1.47|\n"
)


@pytest.mark.parametrize(
    ("log", "stage", "share", "detail"),
    [
        ("", Stage.PACKING, None, ""),
        (PACKING, Stage.PACKING, None, ""),
        (ROUGH, Stage.PLACING, None, "rough placement, iteration 2"),
        (ANALYTIC, Stage.PLACING, None, "rough placement, iteration 3"),
        (REFINED, Stage.PLACING, None, "refinement, iteration 15"),
        (ROUTING, Stage.ROUTING, None, ""),
        (ARCS, Stage.ROUTING, 0.0, "0 of 58,834 connections"),
        (SOME, Stage.ROUTING, 0.5, "29,417 of 58,834 connections"),
    ],
)
def test_the_stage_is_the_last_that_the_log_begins(log, stage, share, detail):
    assert stage_of_log(log) == (stage, share, detail)
