"""What is generated for other people's tools, read by these tools."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from driver_programs import SMALL
from markdown_it import MarkdownIt

from naas_hw.arch.families import Family
from naas_hw.emit.families import primitive_models
from naas_hw.emit.package import TOP, plan_rtl
from naas_hw.sim.hardware import generate
from naas_hw.sim.simulators import find_simulator
from naas_hw.system.tools import require_tool

pytestmark = pytest.mark.takes_seconds

CORE = f"naas_hw:accelerators:{TOP}"

VIVADO = r"""
# Vivado's commands: they look at what they are given, and tell that they were called.
proc told {name arguments} { puts "$name $arguments" }
proc add_files {args} {
    told add_files [lrange $args 0 0]
    set files [lindex $args end]
    if {![llength $files]} { error "add_files must be given files" }
    foreach name $files { if {![file isfile $name]} { error "there is no file $name" } }
}
foreach name {create_project update_compile_order set_property create_clock} {
    proc $name {args} "told $name \$args"
}
proc current_fileset {} { return sources_1 }
proc get_ports {name} {
    set file [open naas_accelerator.v]
    set text [read $file]
    close $file
    if {![regexp "\\m$name\\M" $text]} { error "there is no port $name" }
    return $name
}
namespace eval ipx {
    variable buses {}
    variable maps {}
    foreach name {package_project create_xgui_files update_checksums check_integrity save_core
                  add_address_block} {
        proc $name {args} "told ipx::$name \$args"
    }
    proc current_core {} { return core }
    proc associate_bus_interfaces {args} {
        told ipx::associate_bus_interfaces $args
        lappend ipx::buses [lindex $args 1]
    }
    proc get_bus_interfaces {name args} {
        if {[lsearch $ipx::buses $name] < 0} { error "there is no bus $name" }
        return bus_$name
    }
    proc add_memory_map {name core} { lappend ipx::maps $name }
    proc get_memory_maps {name args} {
        if {[lsearch $ipx::maps $name] < 0} { error "there is no memory map $name" }
        return map_$name
    }
    proc get_address_blocks {name args} { return block_$name }
}
"""


@pytest.fixture(
    scope="module",
    params=[Family.GENERIC, pytest.param(Family.ECP5, marks=pytest.mark.slow)],
)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated files of a small accelerator."""
    place = tmp_path_factory.mktemp("small")
    hardware = generate(SMALL, family=request.param)
    models = primitive_models(request.param)
    plan_rtl(SMALL, hardware.sources, hardware.digest, models=models).write(place)
    return place / "rtl"


def fusesoc(
    folder: Path, target: str, work: Path, *stages: str
) -> subprocess.CompletedProcess[str]:
    """A target; only its stages where some are given."""
    verilator = find_simulator("verilator").path.parent
    environment = {
        **os.environ,
        "PATH": f"{verilator}:{os.environ['PATH']}",
        "HOME": str(work),
        "XDG_CONFIG_HOME": str(work),
    }
    options = ["--cores-root", str(folder), "run", "--work-root", str(work / target)]
    return subprocess.run(
        [sys.executable, "-m", "fusesoc.main", *options, "--target", target, *stages, CORE],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.needs("iverilog")
def test_fusesoc_runs_lint_and_simulation(folder: Path, tmp_path: Path) -> None:
    ended = fusesoc(folder, "lint", tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    ended = fusesoc(folder, "sim", tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"^PASS: \d+ MACs in \d+ cycles", ended.stdout, re.M), ended.stdout


def test_fusesoc_sets_up_synthesis_by_vivado(folder: Path, tmp_path: Path) -> None:
    """The project names the sources, the clock and the top, and nothing of the test."""
    ended = fusesoc(folder, "synth", tmp_path, "--setup")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    [description] = (tmp_path / "synth").glob("*.eda.yml")
    project = description.with_name(description.name.replace(".eda.yml", ".tcl"))
    text = project.read_text()
    sources = re.findall(r"^read_verilog \{?([^\s}]+)", text, re.M)
    assert [Path(name).name for name in sources] == (folder / "files.f").read_text().split()
    assert all((project.parent / name).is_file() for name in sources)
    [clock] = re.findall(r"^read_xdc \{?([^\s}]+)", text, re.M)
    assert (project.parent / clock).read_text() == (folder / "constraints/clock.xdc").read_text()
    assert re.search(r"^set_property top naas_accelerator ", text, re.M)
    assert "xc7a100tcsg324-1" in text and "naas_test" not in text


def run_tcl(folder: Path, script: str, work: Path) -> subprocess.CompletedProcess[str]:
    text = f"{VIVADO}\ncd {{{folder}}}\nset argv {{}}\nsource {script}\n"
    (work / "run.tcl").write_text(text)
    command = [str(require_tool("tclsh")), str(work / "run.tcl")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.needs("tclsh")
def test_the_ip_script_names_files_ports_and_buses_that_are_there(
    folder: Path, tmp_path: Path
) -> None:
    ended = run_tcl(folder, "ip/package_ip.tcl", tmp_path)
    assert ended.returncode == 0, ended.stderr
    told = ended.stdout.splitlines()
    assert told[0] == "create_project -in_memory -part xc7a100tcsg324-1"
    assert told[-1] == "ipx::save_core core"
    buses = [line.split()[2] for line in told if line.startswith("ipx::associate")]
    assert buses == ["s_axil", "m_axi"]
    assert "set_property slave_memory_map_ref s_axil bus_s_axil" in told


@pytest.mark.needs("tclsh")
@pytest.mark.parametrize("name", ["clock.sdc", "clock.xdc"])
def test_the_constraints_name_a_port_that_is_there(name: str, folder: Path, tmp_path: Path) -> None:
    ended = run_tcl(folder, f"constraints/{name}", tmp_path)
    assert ended.stdout.splitlines() == ["create_clock -name aclk -period 12.500 aclk"]


@pytest.mark.needs("tclsh")
def test_a_missing_file_ends_the_ip_script(folder: Path, tmp_path: Path) -> None:
    text = (folder / "ip" / "package_ip.tcl").read_text()
    wrong = tmp_path / "ip"
    wrong.mkdir()
    (wrong / "package_ip.tcl").write_text(text.replace("{naas_ram.v}", "{absent.v}"))
    ended = run_tcl(folder, str(wrong / "package_ip.tcl"), tmp_path)
    assert ended.returncode and "there is no file" in ended.stderr


def test_the_datasheet_has_every_port_in_a_table(folder: Path) -> None:
    text = (folder / "DATASHEET.md").read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    cells = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "td_open"]
    assert {"`aclk`", "`aresetn`", "`interrupt`", "`m_axi_awaddr`", "`s_axil_rdata`"} <= set(cells)
