"""A system chooses the name of the top and the prefixes of its ports."""

import subprocess
from pathlib import Path

import pytest
from driver_programs import SMALL

from naas_hw.core.errors import InputError
from naas_hw.emit.module_ports import ports_of
from naas_hw.emit.package import plan_rtl
from naas_hw.emit.port_names import CORE, USUAL, PortNames, renamed
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
def test_the_test_of_the_core_still_passes(folder: Path) -> None:
    command = "iverilog -g2012 -o test/t.vvp -c test/files.f && vvp -n test/t.vvp"
    done = subprocess.run(
        command, cwd=folder, shell=True, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("PASS"), done.stdout + done.stderr


def test_the_files_of_integrators_have_the_names(folder: Path) -> None:
    assert (folder / "files.f").read_text().split()[0] == "npu.v"
    for name in ("ip/package_ip.tcl", "naas_accelerator.core", "DATASHEET.md"):
        text = (folder / name).read_text()
        assert "npu" in text and "s_axil" not in text and "m_axi_" not in text, name
    assert (
        "<ipxact:name>m00_axi</ipxact:name>"
        in (folder / "registers" / "naas_registers.xml").read_text()
    )


def test_the_usual_names_need_no_wrapper() -> None:
    sources = {f"{CORE}.v": "anything"}
    assert renamed(sources, USUAL, banner="") == sources


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"top": "wire"}, "the name of top must be"),
        ({"top": "a b"}, "the name of top must be"),
        ({"top": "naas_ram"}, "top must not begin with naas_"),
        ({"top": "npu", "memory": "1x"}, "the name of memory must be"),
        ({"top": "npu", "memory": "s_axil"}, "the two prefixes must differ"),
    ],
)
def test_names_that_verilog_has_not_are_refused(names: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        PortNames(**names)


def test_prefixes_without_another_top_are_refused() -> None:
    with pytest.raises(InputError, match="top must have another name"):
        renamed({f"{CORE}.v": ""}, PortNames(memory="m00_axi"), banner="")
