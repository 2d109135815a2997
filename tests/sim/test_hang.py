"""A layer that does not end says which engine waits for which."""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.cost.reference.recurrence import timeline_of
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.rtl.accelerator import EVENTS
from naas_hw.sim.hang import diagnose_deadlock
from naas_hw.sim.hardware import generate
from naas_hw.sim.layer import first_difference, predict_layer, simulate_layer
from naas_hw.sim.simulators import find_simulator
from naas_hw.workload.layer import Layer

ACCELERATOR = Accelerator(
    axes=(Axis(dim="C", size=2), Axis(dim="K", size=2)),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=32,
    bank_bytes=1024,
    beat_bytes=8,
    scale_depth=64,
    dram_latency_cycles=20,
)
LAYER = Layer(name="a", K=8, C=8, P=6, Q=6, R=3, S=3, height=6, width=6, padding=(1, 1))
MAPPING = Mapping(
    pe=Bounds(P=2, Q=2, R=3, S=3), spatial=Bounds(K=2, C=2), l2=Bounds(K=4, C=4, P=1, Q=3)
)
GEOMETRY = Geometry(accelerator=ACCELERATOR, layer=LAYER, mapping=MAPPING)
TIMELINE = timeline_of(GEOMETRY)
COUNTS = predict_layer(ACCELERATOR, LAYER, MAPPING).counts


def log(before: int | None = None, without: str = ""):
    """The events that the recurrence predicts, up to a cycle, some left out."""
    times: dict[str, Iterable[int]] = {
        "layer": [TIMELINE.start],
        "load_end": TIMELINE.load_end,
        "fill_end": TIMELINE.fill_end,
        "compute_end": TIMELINE.compute_end,
        "drain_start": TIMELINE.drain_go,
        "drain_end": TIMELINE.drain_end,
        "store_end": TIMELINE.store_end,
    }
    rows = [
        (int(time), EVENTS.index(name))
        for name, found in times.items()
        for time in found
        if name != without and (before is None or time < before)
    ]
    return np.array(sorted(rows), np.int64).reshape(-1, 2)


def test_the_log_that_the_tests_are_made_of_is_the_predicted_one():
    assert first_difference(TIMELINE, log()) is None


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (log(before=TIMELINE.load_end[0]), "load waits for dram"),
        (log(without="load_end"), "load waits for dram"),
        (log(without="store_end"), "store waits for dram"),
        (log(without="fill_end"), "fill waits for load, though no engine is late"),
        (log(without="layer"), "controller waits for dram: no descriptor was accepted"),
        (log(), "store waits for dram: every piece has ended, no interrupt came"),
    ],
)
def test_the_engine_that_stands_still_first_is_named(events, sentence):
    text = diagnose_deadlock(GEOMETRY, events, COUNTS, COUNTS)
    assert text.startswith(f"hang: engine {sentence}")


def test_without_a_log_the_stall_counter_that_is_too_high_says_it():
    nothing = np.zeros((0, 2), np.int64)
    counted = {**COUNTS, "register stall_drain": COUNTS["register stall_drain"] + 1000}
    text = diagnose_deadlock(GEOMETRY, nothing, counted, COUNTS)
    assert text == "hang: engine compute waits for drain"
    silent = {**counted, "register active": 0}
    assert "load waits for dram" in diagnose_deadlock(GEOMETRY, nothing, silent, COUNTS)


def cut(sources, instance: str, port: str):
    """The design with one input of one instance of the top at 0."""
    text = sources["naas_accelerator.v"]
    pattern = rf"(  naas_{instance} {instance} \((?:(?!\);\n).)*?\.{port}__give\()\w+\)"
    found, count = re.subn(pattern, r"\g<1>1'b0)", text, flags=re.S)
    assert count == 1
    return {**sources, "naas_accelerator.v": found}


@pytest.fixture(scope="module")
def hardware():
    return generate(ACCELERATOR)


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    ("instance", "port", "sentence"),
    [
        ("compute", "run_drained", "compute waits for fill or drain, though no engine is late"),
        pytest.param(
            *("fill", "tile_loaded", "fill waits for load, though no engine is late"),
            marks=pytest.mark.slow,
        ),
        ("fill", "step_computed", "fill waits for load or compute, though no engine is late"),
    ],
)
def test_rtl_without_a_credit_hangs_and_says_where(hardware, instance, port, sentence):
    broken = replace(hardware, sources=cut(hardware.sources, instance, port))
    report = simulate_layer(
        broken,
        LAYER,
        MAPPING,
        simulator=find_simulator("icarus"),
        rng=np.random.default_rng(0),
    )
    assert report.status == "hang"
    assert not report.ok
    said = [text for text in report.messages if text.startswith("hang:")]
    assert len(said) == 1
    assert said[0].startswith(f"hang: engine {sentence}")
