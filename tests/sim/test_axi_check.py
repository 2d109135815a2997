"""The checker of AXI4 passes what is right and finds every rule that a trace breaks."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SIM = HERE.parents[1] / "sim"

pytestmark = [
    pytest.mark.sim,
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is missing"),
]

WIDTHS = {
    "aresetn": 1,
    **{"awvalid": 1, "awready": 1, "awid": 1, "awaddr": 16, "awlen": 8, "awsize": 3, "awburst": 2},
    **{"wvalid": 1, "wready": 1, "wdata": 32, "wstrb": 4, "wlast": 1},
    **{"bvalid": 1, "bready": 1, "bid": 1, "bresp": 2},
    **{"arvalid": 1, "arready": 1, "arid": 1, "araddr": 16, "arlen": 8, "arsize": 3, "arburst": 2},
    **{"rvalid": 1, "rready": 1, "rid": 1, "rdata": 32, "rresp": 2, "rlast": 1},
}
"""Signals in the order of axi_trace_tb.v; a beat has four bytes."""

UNKNOWN = -1
Cycle = dict[str, int]
Trace = list[Cycle]

AW = {"awvalid": 1, "awaddr": 0x100, "awlen": 1, "awsize": 2, "awburst": 1}
AR = {"arvalid": 1, "araddr": 0x200, "arlen": 1, "arsize": 2, "arburst": 1}
W = {"wvalid": 1, "wdata": 7, "wstrb": 15}
W_LAST = W | {"wlast": 1}
B = {"bvalid": 1, "bready": 1}
R = {"rvalid": 1, "rready": 1, "rdata": 9}
AW_GO, AR_GO = AW | {"awready": 1}, AR | {"arready": 1}
W_GO, W_LAST_GO = W | {"wready": 1}, W_LAST | {"wready": 1}


def trace(*cycles: Cycle) -> Trace:
    """Two cycles of reset, and then these."""
    return [{"aresetn": 0}, {"aresetn": 0}, *({"aresetn": 1} | cycle for cycle in cycles)]


RIGHT: dict[str, Trace] = {
    "a write and a read": trace(AW_GO | AR_GO, W_GO, W_LAST_GO | R, B | R | {"rlast": 1}, {}),
    "all five channels wait": trace(
        AW | AR,
        AW_GO | AR_GO,
        W,
        W_GO | R | {"rready": 0},
        W_LAST | R,
        W_LAST_GO | R | {"rready": 0, "rlast": 1},
        B | {"bready": 0} | R | {"rlast": 1},
        B,
    ),
    "data before their address": trace(W_GO, W_LAST_GO, AW_GO, B),
    "the address comes in the midst of its data": trace(W_GO, AW_GO | W_LAST_GO, B),
    "two bursts, the second's data ahead": trace(
        AW_GO, W_GO, W_LAST_GO, W_LAST_GO, AW_GO | {"awlen": 0} | B, B
    ),
    "an address offered as long as its data are": trace(*[AW | W] * 12, AW_GO | W_GO, W_LAST_GO, B),
    "a burst that ends where a page does": trace(AW_GO | {"awaddr": 0xFF8}, W_GO, W_LAST_GO, B),
    "what is offered in the cycle that reset comes": [
        *trace(AW | W | AR),
        {"aresetn": 0} | AW | W | AR,
        {"aresetn": 0},
        {"aresetn": 1},
    ],
}

WRONG: dict[str, tuple[Trace, str]] = {
    "AW falls": (trace(AW, {}), "AW must hold until AWREADY"),
    "AW changes": (trace(AW, AW_GO | {"awaddr": 0x104}), "AW must hold until AWREADY"),
    "AR falls": (trace(AR, {}), "AR must hold until ARREADY"),
    "AR changes": (trace(AR, AR_GO | {"arlen": 2}), "AR must hold until ARREADY"),
    "W falls": (trace(AW_GO, W, {}), "W must hold until WREADY"),
    "W changes": (trace(AW_GO, W, W_GO | {"wdata": 8}), "W must hold until WREADY"),
    "strobes change": (trace(AW_GO, W, W_GO | {"wstrb": 0}), "W must hold until WREADY"),
    "R falls": (trace(AR_GO, R | {"rready": 0}, {}), "R must hold until RREADY"),
    "R changes": (trace(AR_GO, R | {"rready": 0}, R | {"rdata": 1}), "R must hold until RREADY"),
    "B falls": (
        trace(AW_GO, W_GO, W_LAST_GO, B | {"bready": 0}, {}),
        "B must hold until BREADY",
    ),
    "B changes": (
        trace(AW_GO, W_GO, W_LAST_GO, B | {"bready": 0}, B | {"bresp": 2}),
        "B must hold until BREADY",
    ),
    **{
        f"X on {name}": (trace({}, {name: UNKNOWN}), "must be known, not X")
        for name in WIDTHS
        if name.endswith(("valid", "ready"))
    },
    "X in an address": (trace(AW_GO | {"awaddr": UNKNOWN}), "must be known, not X"),
    "X in a strobe": (trace(AW_GO, W_GO | {"wstrb": UNKNOWN}), "must be known, not X"),
    "AWVALID in reset": ([{"aresetn": 0}, {"aresetn": 0} | AW], "must be low in reset, not 10000"),
    "RVALID in reset": ([{"aresetn": 0}, {"aresetn": 0} | R], "must be low in reset, not 00001"),
    "a read burst that wraps": (trace(AR_GO | {"arburst": 2}), "a read burst must be INCR"),
    "a narrow read": (trace(AR_GO | {"arsize": 1}), "a read burst must be INCR of 4 bytes"),
    "a write burst that wraps": (trace(AW_GO | {"awburst": 2}), "a write burst must be INCR"),
    "a narrow write": (trace(AW_GO | {"awsize": 1}), "a write burst must be INCR of 4 bytes"),
    "a read over a page": (trace(AR_GO | {"araddr": 0xFFC}), "a read burst must stay within 4 KiB"),
    "a write over a page": (trace(AW_GO | {"awaddr": 0xFFC}), "a write burst must stay within"),
    "WLAST early": (trace(AW_GO, W_LAST_GO), "WLAST must be high in the last beat"),
    "WLAST missing": (trace(AW_GO, W_GO, W_GO), "WLAST must be high in the last beat"),
    "WLAST early, address later": (trace(W_LAST_GO, AW_GO), "WLAST must be high in the last beat"),
    "more data than the address says": (
        trace(W_GO, W_GO, W_GO, AW_GO),
        "WLAST must be high in the last beat",
    ),
    "RLAST early": (trace(AR_GO, R | {"rlast": 1}), "RLAST must be high in the last beat"),
    "RLAST missing": (trace(AR_GO, R, R), "RLAST must be high in the last beat"),
    "B before the last beat": (trace(AW_GO, W_GO, B), "BVALID must wait for the address and the"),
    "B before the address": (trace(W_GO, W_LAST_GO, AW | B), "BVALID must wait for the address"),
    "B of nothing": (trace(B), "BVALID must wait for the address and the data"),
    "B of another": (trace(AW_GO, W_GO, W_LAST_GO, B | {"bid": 1}), "have its identifier"),
    "R of nothing": (trace(R), "RVALID must wait for the address"),
    "R of another": (trace(AR_GO, R | {"rid": 1}), "RVALID must wait for the address, and have"),
    "too many reads": (trace(*[AR_GO] * 4), "at most 3 read bursts may be outstanding"),
    "too many writes": (trace(*[AW_GO] * 4), "at most 3 write bursts may be outstanding"),
    "W waits for AWREADY": (trace(*[AW] * 12), "WVALID must not wait for AWREADY"),
}


def bits(cycle: Cycle) -> str:
    """A line of the trace."""
    return "".join(
        "x" * width if cycle.get(name) == UNKNOWN else f"{cycle.get(name, 0):0{width}b}"
        for name, width in WIDTHS.items()
    )


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Trace], str]]:
    """What the checker prints about a trace."""
    folder = tmp_path_factory.mktemp("axi_check")
    sources = [str(HERE / "axi_trace_tb.v"), str(SIM / "naas_axi_check.v")]
    subprocess.run(
        ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "tb.vvp", *sources],
        cwd=folder,
        check=True,
    )

    def played(cycles: Trace) -> str:
        (folder / "trace.bin").write_text("".join(f"{bits(cycle)}\n" for cycle in cycles))
        done = subprocess.run(
            ["vvp", "-n", "tb.vvp", f"+cycles={len(cycles)}"],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    yield played


@pytest.mark.parametrize("name", RIGHT)
def test_what_axi4_allows_passes(play: Callable[[Trace], str], name: str) -> None:
    """No rule is stricter than the protocol."""
    assert play(RIGHT[name]) == "errors 0\n"


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_rule_is_found(play: Callable[[Trace], str], name: str) -> None:
    """Each by its message, and counted."""
    cycles, message = WRONG[name]
    text = play(cycles)
    assert message in text
    assert "errors 0\n" not in text


def test_a_rule_is_said_once_and_counted_each_time(play: Callable[[Trace], str]) -> None:
    """A simulation of a million cycles must not write as many lines."""
    text = play(trace(B, B, B))
    assert text.count("BVALID must wait") == 1
    assert text.endswith("errors 3\n")
