"""A system chooses the name of the top and the prefixes of its ports."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from driver_programs import SMALL

from naas_hw.arch.families import Family
from naas_hw.core.errors import InputError
from naas_hw.emit.families import primitive_models
from naas_hw.emit.module_ports import ports_of
from naas_hw.emit.package import plan_rtl
from naas_hw.emit.port_names import CORE, PRIMITIVES, USUAL, PortNames, renamed
from naas_hw.emit.registers import buses_of, registers_bus
from naas_hw.sim.hardware import generate
from naas_hw.sim.simulators import find_simulator

pytestmark = pytest.mark.takes_seconds

NAMES = PortNames(top="npu", registers="s00_axi", memory="m00_axi")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("npu")
    hardware = generate(SMALL)
    plan_rtl(SMALL, hardware.sources, hardware.digest, names=NAMES).write(place)
    return place / "rtl"


def test_every_port_of_the_core_has_its_new_name(folder: Path) -> None:
    core = ports_of((folder / f"{CORE}.v").read_text(), CORE)
    top = ports_of((folder / "npu.v").read_text(), "npu")
    assert [(NAMES.of(port.name), port.width, port.is_input) for port in core] == [
        (port.name, port.width, port.is_input) for port in top
    ]
    buses = buses_of(top)
    assert [bus.name for bus in buses] == ["s00_axi", "m00_axi"]
    assert registers_bus(buses) == "s00_axi"


@pytest.mark.needs("verilator")
def test_verilator_reads_the_top(folder: Path) -> None:
    command = [str(find_simulator("verilator").path), "--lint-only", "-Wall", "-Wno-fatal"]
    command += ["-Wno-SYMRSVDWORD", "--top-module", "npu", "-f", "files.f"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "npu.v" not in done.stderr, done.stderr


@pytest.mark.needs("iverilog", "vvp")
def test_the_self_checking_test_runs_the_top_and_passes(folder: Path) -> None:
    bench = (folder / "test" / "naas_test.v").read_text()
    assert "    npu dut (" in bench and "s_axil" not in bench and "m_axi_" not in bench
    done = self_checking_test(folder)
    assert done.stdout.startswith("PASS"), done.stdout + done.stderr


@pytest.mark.needs("iverilog", "vvp")
@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("m_axi_awaddr", "m_axi_araddr", "FAIL: "),
        ("s_axil_bvalid", "s_axil_rvalid", "FAIL: the test must end within"),
    ],
)
def test_a_top_with_two_swapped_ports_fails_the_self_checking_test(
    one: str, other: str, says: str, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "rtl")
    top = tmp_path / "rtl" / "npu.v"
    text = top.read_text()
    first, second = (f".{name}({NAMES.of(name)})" for name in (one, other))
    assert text.count(first) == text.count(second) == 1
    swapped = {first: f".{one}({NAMES.of(other)})", second: f".{other}({NAMES.of(one)})"}
    top.write_text(re.sub("|".join(map(re.escape, swapped)), lambda m: swapped[m[0]], text))
    done = self_checking_test(tmp_path / "rtl")
    assert done.returncode and says in done.stdout and "PASS" not in done.stdout, done.stdout


def self_checking_test(folder: Path) -> subprocess.CompletedProcess[str]:
    command = "iverilog -g2012 -o test/t.vvp -c test/files.f && vvp -n test/t.vvp"
    return subprocess.run(
        command, cwd=folder, shell=True, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_files_of_integrators_have_the_names(folder: Path) -> None:
    assert (folder / "files.f").read_text().split()[0] == "npu.v"
    for name in ("ip/package_ip.tcl", "naas_accelerator.core", "DATASHEET.md"):
        text = (folder / name).read_text()
        assert "npu" in text and "s_axil" not in text and "m_axi_" not in text, name
    registers = folder / "registers"
    assert "<ipxact:name>m00_axi</ipxact:name>" in (registers / "naas_registers.xml").read_text()
    assert "AXI4-Lite slave `s00_axi`" in (registers / "naas_registers.md").read_text()


def test_the_usual_names_need_no_wrapper() -> None:
    sources = {f"{CORE}.v": "anything"}
    assert renamed(sources, USUAL, banner="") == sources


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"top": "wire"}, "the name of top must be"),
        ({"top": "a b"}, "the name of top must be"),
        ({"top": "naas_ram"}, "top must not begin with naas_"),
        ({"top": "NAAS_accelerator"}, "top must not begin with naas_"),
        ({"top": "MULT18X18D"}, "top must not have the name of a cell of an FPGA"),
        ({"top": "dp16kd"}, "top must not have the name of a cell of an FPGA"),
        ({"top": "npu", "memory": "1x"}, "the name of memory must be"),
        ({"top": "npu", "memory": "s_axil"}, "the two prefixes must differ"),
    ],
)
def test_names_that_verilog_has_not_are_refused(names: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        PortNames(**names)


@pytest.mark.parametrize("top", ["filter", "CELL", "Helper"])
def test_a_top_with_the_name_of_another_module_is_refused(top: str) -> None:
    """One that is there, one with parameters that is used, and one without."""
    core = "module naas_accelerator (\n  input wire aclk\n);\n"
    core += (
        "  Cell #(\n    .A(1)\n  ) one (.clk(aclk));\n  helper two (\n    aclk\n  );\nendmodule\n"
    )
    sources = {f"{CORE}.v": core, "other.v": "module Filter (input wire a);\nendmodule\n"}
    with pytest.raises(InputError, match="a module that the design has or uses, not"):
        renamed(sources, PortNames(top=top), banner="")
    assert "npu.v" in renamed(sources, PortNames(top="npu"), banner="")


def test_cells_that_the_forms_of_a_family_use_are_refused() -> None:
    cells = {
        name
        for family in Family
        for text in primitive_models(family).values()
        for name in re.findall(r"^module (\w+)", text, re.M)
    }
    assert {"MULT18X18D", "DP16KD"} <= cells <= PRIMITIVES


def test_prefixes_without_another_top_are_refused() -> None:
    with pytest.raises(InputError, match="top must have another name"):
        renamed({f"{CORE}.v": ""}, PortNames(memory="m00_axi"), banner="")
