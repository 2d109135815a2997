"""A network as a LiteX SoC: files are complete, expected answers are right, LiteX builds it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_run import SHAPE, write_run

from naas_hw.api.litex import export_litex
from naas_hw.api.models import read_model
from naas_hw.api.network_simulation import compile_run
from naas_hw.arch.families import Family
from naas_hw.core.errors import InputError
from naas_hw.emit.litex import COPIED
from naas_hw.emit.module_ports import ports_of
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.sim.network_run import simulate_network
from naas_hw.sim.simulators import find_simulator
from naas_hw.system.tools import require_tool

pytestmark = pytest.mark.takes_seconds

ELABORATE = """
import sys
from litex.soc.integration.builder import Builder
from naas_litex import add_own_programs
from soc_sim import SimulatedSoc

add_own_programs()
soc = SimulatedSoc(firmware=bytes(12), l2_bytes=int(sys.argv[2]), cpu_variant=sys.argv[1])
Builder(soc, output_dir="build", compile_software=False).build(run=False)
print("REGION", hex(soc.bus.regions["naas"].origin), soc.irq.locs["naas"])
print("SOURCES", *(source[0] for source in soc.platform.sources))
"""

ELABORATE_BOARD = """
from litex.soc.integration.builder import Builder
from naas_litex import add_own_programs
from soc_ulx3s import NAME, Ulx3sSoc

add_own_programs()
soc = Ulx3sSoc(megahertz=50.0, cpu_type="vexriscv", cpu_variant="standard", l2_size=0)
builder = Builder(soc, output_dir="build", compile_software=False, compile_gateware=False)
builder.build(run=False, build_name=NAME, seed=3, timingstrict=True)
print("SOURCES", *(source[0] for source in soc.platform.sources))
"""

COMPARE = """
import json, sys
from soc_sim import say_result

sys.exit(say_result(json.load(sys.stdin), json.load(open("expected.json"))))
"""


CHECK_CPUS = """
from naas_litex import UNFLUSHED, check_cpu

check_cpu("vexriscv")
check_cpu("serv")
print(*sorted(UNFLUSHED))
check_cpu("rocket")
"""

FIRMWARE = """
import sys
from pathlib import Path
from naas_litex import build_firmware

build_firmware(Path(sys.argv[1]))
"""

STOP = """
import sys
from pathlib import Path
from soc_sim import run_simulator

print(run_simulator(Path(sys.argv[1]), float(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a search of a model leaves behind."""
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(3).standard_normal(SHAPE).astype(np.float32)


@pytest.fixture(scope="module")
def folder(run: Path, image: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported files."""
    place = tmp_path_factory.mktemp("litex")
    export_litex(run, inputs={"x": image}).write(place)
    return place


def python(
    script: str, folder: Path, *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_file_is_there(folder: Path) -> None:
    wanted = {*COPIED, "README.md", "expected.json", "rtl/files.f", "rtl/manifest.json"}
    wanted |= {f"firmware/{name}" for name in ("naas.c", "naas.h", "naas_operators.c")}
    wanted |= {"firmware/network.naas", "firmware/inputs.bin", "rtl/registers/naas_registers.h"}
    assert all((folder / name).is_file() for name in wanted)
    assert not (folder / "firmware" / "example_linux.c").exists()


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_expected_are_the_answers_of_the_reference_and_the_counts_of_the_rtl(
    run: Path, folder: Path, image: np.ndarray
) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    graph = read_model(run).quantised
    (name,) = graph.outputs
    answer = model_values(graph.tensors[name], run_integers(graph, {"x": image})[name])
    assert expected["outputs"] == [np.ascontiguousarray(answer).tobytes().hex()]
    assert (folder / "firmware" / "inputs.bin").read_bytes() == image.tobytes()
    _, design, hardware, program = compile_run(run)
    result = simulate_network(
        hardware, program, design.mappings, {"x": image}, simulator=find_simulator("icarus")
    )
    assert result.ok and result.simulated_cycles == expected["cycles"]
    assert expected["starts"] == len(program.segments)
    assert expected["digest"] == f"{hardware.digest:016x}"
    for name in ("dram_reads", "dram_writes"):
        counted = sum(layer.counted[f"register {name}"] for layer in result.layers)
        assert expected[name] == counted


def test_a_run_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        export_litex(tmp_path)


@pytest.mark.needs("litex", "verilator")
def test_litex_builds_the_soc_and_verilator_reads_it(run: Path, tmp_path: Path) -> None:
    """With a cache before the SDRAM, and the forms of a family with models of its primitives."""
    export_litex(run, family=Family.ECP5).write(tmp_path)
    done = python(ELABORATE, tmp_path, "lite", "8192")
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    said = {words[0]: words[1] for words in lines if words[0] in ("REGION", "SOURCES")}
    region, interrupt = said["REGION"].split()
    assert int(region, 16) % 4096 == 0 and int(interrupt) >= 0
    simulator = find_simulator("verilator")
    command = [str(simulator.path), "--lint-only", "-Wno-fatal", "-Wno-style", "-Wno-WIDTH"]
    command += ["--top-module", "sim", *said["SOURCES"].split()]
    gateware = tmp_path / "build" / "gateware"
    lint = subprocess.run(command, cwd=gateware, capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stderr
    about_pins = [line for line in lint.stderr.splitlines() if "PIN" in line]
    assert not [line for line in about_pins if "sim.v" in line], about_pins


@pytest.mark.needs("litex", "litespi")
def test_litex_elaborates_the_soc_of_the_board(run: Path, tmp_path: Path) -> None:
    """Its Verilog has accelerator and flash, pins have their sites, and software knows both."""
    export_litex(run, family=Family.ECP5).write(tmp_path)
    done = python(ELABORATE_BOARD, tmp_path)
    assert done.returncode == 0, done.stderr
    gateware, headers = (tmp_path / "build" / name for name in ("gateware", "software/include"))
    verilog = (gateware / "naas_ulx3s.v").read_text()
    [instance] = re.findall(r"^naas_accelerator naas_accelerator\((.*?)^\);", verilog, re.M | re.S)
    connected = set(re.findall(r"\.(\w+)", instance))
    manifest = json.loads((tmp_path / "rtl" / "manifest.json").read_text())
    core = (tmp_path / "rtl" / f"{manifest['top']}.v").read_text()
    assert connected == {port.name for port in ports_of(core, manifest["top"])}
    assert re.search(r"^USRMCLK ", verilog, re.M) and "assign spiflash_hold = 1'd1;" in verilog
    pins = (gateware / "naas_ulx3s.lpf").read_text()
    sites = {"cs_n": "R2", "miso": "V2", "mosi": "W2", "wp": "Y2", "hold": "W1"}
    for name, site in sites.items():
        assert f'LOCATE COMP "spiflash_{name}" SITE "{site}";' in pins
    memory, constants, registers = (
        (headers / "generated" / name).read_text() for name in ("mem.h", "soc.h", "csr.h")
    )
    flash, size = (
        int(re.findall(rf"#define SPIFLASH_{name} (\w+?)L?$", memory, re.M)[0], 0)
        for name in ("BASE", "SIZE")
    )
    assert size == 1 << 24 and f"#define FLASH_BOOT_ADDRESS {flash + 0x20_0000}\n" in constants
    assert "#define NAAS_BASE" in memory and "#define NAAS_INTERRUPT" in constants
    assert "CSR_NAAS_EV_ENABLE_ADDR" in registers
    for source in done.stdout.split("SOURCES", 1)[1].split():
        assert (gateware / source).is_file(), source


@pytest.mark.needs("litex")
def test_what_the_firmware_prints_is_compared(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    lines = [f"naas: output 0 {expected['outputs'][0]}", "naas: a line", "other", "naas: done"]
    lines += [f"naas: {name} {expected[name]}" for name in ("starts", "dram_reads", "dram_writes")]
    lines += [f"naas: cycles {expected['cycles'] + 7}"]
    done = python(COMPARE, folder, given=json.dumps(lines))
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("PASS: ")
    wrong = [line.replace("dram_reads ", "dram_reads 1") for line in lines]
    done = python(COMPARE, folder, given=json.dumps(wrong))
    assert done.returncode == 1 and done.stdout.splitlines()[-1].startswith("FAIL: ")
    assert f"dram_reads must be {expected['dram_reads']}, not 1" in done.stdout
    done = python(COMPARE, folder, given=json.dumps([]))
    assert done.returncode == 1 and "output 0 must be" in done.stdout


@pytest.mark.needs("litex")
def test_cpus_whose_cache_litex_does_not_flush_are_refused(folder: Path) -> None:
    done = python(CHECK_CPUS, folder)
    assert "must be one whose data cache LiteX can flush" in done.stderr.splitlines()[-1]
    refused = done.stdout.split()
    assert "rocket" in refused
    for name in refused:
        header = require_tool("litex") / "soc" / "cores" / "cpu" / name / "system.h"
        body = re.search(r"void flush_cpu_dcache\(void\)\s*{(.*?)}", header.read_text(), re.S)
        assert body is not None and not re.sub(r"//.*", "", body[1]).strip(), name


@pytest.mark.needs("litex")
def test_a_simulation_that_does_not_end_is_stopped(folder: Path, tmp_path: Path) -> None:
    program = tmp_path / "obj_dir" / "Vsim"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho naas: begins\nexec sleep 600\n")
    program.chmod(0o755)
    done = python(STOP, folder, str(program), "0.005")
    assert done.stdout.splitlines() == [
        "naas: begins",
        "soc_sim: the simulation must end within 0.005 minutes, and was stopped",
        "['naas: begins']",
    ], done.stderr
    program.write_text("#!/bin/sh\necho naas: done\n")
    assert python(STOP, folder, str(program), "5").stdout.splitlines() == [
        "naas: done",
        "['naas: done']",
    ]


@pytest.mark.needs("litex", "make")
def test_make_runs_nothing_that_a_folder_is_called(folder: Path, tmp_path: Path) -> None:
    """A makefile in place of LiteX's shows what make gets."""
    makefile = folder / "firmware" / "Makefile"
    text = makefile.read_text()
    makefile.write_text("all:\n\t@echo got '$(BUILD_DIR)'\n")
    done = python(FIRMWARE, folder, str(folder / "build"))
    told = [line for line in done.stdout.splitlines() if not line.startswith("make")]
    assert told == ["got ../build"]  # make tells its folder if another make called it
    for name in ("$(shell touch made)", "a b"):
        done = python(FIRMWARE, folder, str(tmp_path / name))
        assert "must have no characters but letters" in done.stderr.splitlines()[-1]
    makefile.write_text(text)
    assert not (folder / "firmware" / "made").exists()
    for script in ("soc_sim.py", "soc_ulx3s.py"):
        command = [sys.executable, script, "--output", str(tmp_path / "a b")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "must have no characters but letters" in done.stderr.splitlines()[-1]
