"""Simulates soc.v around the core of a run, with the bench in bench.py.

    python examples/cocotb_soc/run.py RUN [--simulator icarus]

RUN is the folder of a search of a model, after `naas generate RUN`.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cocotb_tools.runner import get_results, get_runner

from naas_hw.arch.files import read_accelerator
from naas_hw.sim.simulators import find_simulator

HERE = Path(__file__).parent


def simulate(run: Path, simulator: str, build: Path) -> int:
    """Build and run; how many tests failed."""
    os.environ.update(find_simulator(simulator).environment(os.environ))
    rtl = run / "rtl"
    sources = [rtl / name for name in (rtl / "files.f").read_text(encoding="utf-8").split()]
    runner = get_runner(simulator)
    runner.build(
        sources=[*sources, HERE / "soc.v"],
        hdl_toplevel="soc",
        build_dir=build,
        parameters={"BEAT_BYTES": read_accelerator(run / "accelerator.yaml").beat_bytes},
        build_args=["-Wno-fatal"] if simulator == "verilator" else [],
        timescale=("1ns", "1ps"),
        always=True,
    )
    results = runner.test(
        hdl_toplevel="soc",
        test_module="bench",
        build_dir=build,
        test_dir=HERE,
        extra_env={"NAAS_RUN": str(run.resolve())},
        results_xml=str((build / "results.xml").resolve()),
    )
    num_tests, num_failed = get_results(results)
    return num_failed if num_tests else 1


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--simulator", default="icarus", choices=("icarus", "verilator"))
    parser.add_argument("--build", type=Path, default=Path("build", "cocotb-soc"), help="folder")
    given = parser.parse_args(arguments)
    return 1 if simulate(given.run, given.simulator, given.build) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
