"""The package for benches of one's own: exact with the model's memory, and finds a wrong byte."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_run import write_run

from naas_hw import api
from naas_hw.api.network_simulation import compile_run
from naas_hw.arch import timing
from naas_hw.driver.program_file import watchdog_units
from naas_hw.sim.network_run import chain_delays, cycles_of_starts, predictions_of
from naas_hw.testbench.network import SPARE_CYCLES

ROOT = Path(__file__).parents[2]

RUN_BENCH = """
import sys
from pathlib import Path
from cocotb_tools.runner import get_results, get_runner

run, build = Path(sys.argv[1]), Path(sys.argv[2])
names = (run / "rtl" / "files.f").read_text().split()
runner = get_runner("icarus")
runner.build(
    sources=[run / "rtl" / name for name in names], hdl_toplevel="naas_accelerator",
    build_dir=build, timescale=("1ns", "1ps"), always=False,
)
results = build / "results.xml"
try:
    runner.test(
        hdl_toplevel="naas_accelerator", test_module="exact_bench", build_dir=build,
        test_dir=sys.argv[3], results_xml=str(results),
    )
except SystemExit:
    print("a test failed")
print("RESULT", *get_results(results))
"""

LOADED = """
import sys
import naas_hw.testbench
print([name for name in sys.modules if name.split(".")[0] in ("cocotbext", "scapy", "cocotb_bus")])
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its hardware and program."""
    folder = write_run(tmp_path_factory.mktemp("run"))
    api.generate(folder)
    return folder


def bench(run: Path, **variables: str) -> tuple[str, str]:
    """Number of tests, and of those that failed; what was printed. The core is compiled once."""
    build = run / "bench"
    build.mkdir(exist_ok=True)
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", RUN_BENCH, str(run), str(build), str(here)],
        cwd=build,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{here}", "NAAS_RUN": str(run), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert found, done.stdout + done.stderr
    return found[-1], done.stdout


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog", "vvp", "libpython")
def test_cycles_and_beats_are_those_of_the_model(run: Path, tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    result, printed = bench(run, NAAS_FOUND=str(found))
    assert result == "RESULT 1 0", printed
    counted = json.loads(found.read_text())
    _, design, hardware, program = compile_run(run)
    predictions = predictions_of(hardware, program, design.mappings)
    delays = chain_delays(hardware, program, design.mappings)
    starts = cycles_of_starts(program, [layer.cycles for layer in predictions], delays)
    assert [one["cycles"] for one in counted["counters"]] == starts
    reads = sum(layer.counts["register dram_reads"] for layer in predictions)
    writes = sum(layer.counts["register dram_writes"] for layer in predictions)
    assert sum(one["dram_reads"] for one in counted["counters"]) == reads
    assert sum(one["dram_writes"] for one in counted["counters"]) == writes
    assert counted["beats"][1] == writes and counted["beats"][0] >= reads


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog", "vvp", "libpython")
def test_the_scoreboard_finds_what_damaged_weights_do(run: Path, tmp_path: Path) -> None:
    found = str(tmp_path / "found.json")
    result, printed = bench(run, NAAS_FOUND=found, NAAS_DAMAGE="1")
    assert result == "RESULT 1 1", printed
    assert "of image 1 must be the reference's" in printed or "DeviceError" in printed


@pytest.mark.sim
@pytest.mark.slow
@pytest.mark.needs("iverilog", "vvp", "libpython")
def test_a_signal_that_never_comes_ends_the_wait_at_the_watchdog(run: Path, tmp_path: Path) -> None:
    found = str(tmp_path / "found.json")
    result, printed = bench(run, NAAS_FOUND=found, NAAS_SILENT="1")
    assert result == "RESULT 1 1", printed
    _, design, hardware, program = compile_run(run)
    longest = max(layer.cycles for layer in predictions_of(hardware, program, design.mappings))
    (segment,) = program.segments
    units = watchdog_units(longest) * segment.num_descriptors
    limit = units * timing.WATCHDOG_UNIT + SPARE_CYCLES
    assert f"the signal must show the interrupt within {limit} cycles of a start" in printed


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog", "vvp", "libpython")
def test_registers_are_read_up_to_the_limit_of_the_caller(run: Path, tmp_path: Path) -> None:
    found = str(tmp_path / "found.json")
    result, printed = bench(run, NAAS_FOUND=found, NAAS_LIMIT="60")
    assert result == "RESULT 1 1", printed
    assert "the registers must show the interrupt within 60 cycles of a start" in printed


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog", "vvp", "libpython")
def test_the_example_runs_a_soc_around_the_core(run: Path, tmp_path: Path) -> None:
    """With stalls on both sides, two managers at one bus, and a base that is not zero."""
    command = [sys.executable, str(ROOT / "examples" / "cocotb_soc" / "run.py"), str(run)]
    done = subprocess.run(
        [*command, "--build", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_under_the_gpl_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
