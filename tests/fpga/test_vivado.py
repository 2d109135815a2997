"""The project for Vivado is Tcl that names files which are there, and a part that exists."""

import re
import subprocess
from pathlib import Path

import pytest

from naas_hw.arch.devices import DEVICES, find_part
from naas_hw.arch.families import Family
from naas_hw.fpga.vivado import FOLDER, vivado_files
from naas_hw.system.tools import require_tool

SOURCES = {"naas_accelerator.v": "module naas_accelerator; endmodule\n", "naas_ram.v": "// RAM\n"}

STUBS = r"""
# Vivado's commands: they look at what they are given, and tell that they were called.
proc told {name arguments} { puts "$name $arguments" }
proc must_exist {files} {
    foreach name $files { if {![file isfile $name]} { error "there is no file $name" } }
}
proc add_files {args} {
    told add_files $args
    set rest {}
    for {set i 0} {$i < [llength $args]} {incr i} {
        switch -- [lindex $args $i] {
            -norecurse { }
            -fileset { incr i }
            default { set rest [concat $rest [lindex $args $i]] }
        }
    }
    if {![llength $rest]} { error "add_files must be given files" }
    must_exist $rest
}
proc get_ports {name} {
    foreach path [glob sources/*.v] {
        set file [open $path]
        set text [read $file]
        close $file
        if {[regexp "\\m$name\\M" $text]} { return $name }
    }
    error "there is no port $name"
}
foreach name {create_project set_property update_compile_order launch_runs wait_on_run open_run
              report_utilization report_timing_summary create_clock} {
    proc $name {args} "told $name \$args"
}
proc current_fileset {} { return sources_1 }
proc get_runs {name} { return $name }
"""


def run_tcl(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script of a project, then its constraints, with commands that look at their files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    script = folder / "run.tcl"
    script.write_text(f"{STUBS}\nsource {FOLDER}/build.tcl\nsource constraints.xdc\n")
    return subprocess.run(
        [str(require_tool("tclsh")), script.name], cwd=folder, capture_output=True, text=True
    )


def project(**changes: str) -> dict[str, str]:
    sources = {"naas_accelerator.v": "module naas_accelerator (input wire aclk);\n", **SOURCES}
    sources["naas_accelerator.v"] = "module naas_accelerator (input wire aclk); endmodule\n"
    part = find_part("xc7a100tcsg324-2")
    return vivado_files({**sources, **changes}, top="naas_accelerator", part=part, target_mhz=80.0)


@pytest.mark.needs("tclsh")
def test_every_file_that_the_script_names_is_there(tmp_path: Path) -> None:
    files = project()
    ended = run_tcl(tmp_path, files)
    assert ended.returncode == 0, ended.stderr
    called = ended.stdout.splitlines()
    assert called[0] == "create_project -force -part xc7a100tcsg324-2 naas project"
    assert "create_clock -name aclk -period 12.500 aclk" in called
    assert "wait_on_run impl_1" in called
    (added,) = [line for line in called if line.startswith("add_files -norecurse")]
    assert set(re.findall(r"sources/(\w+\.v)", added)) == set(SOURCES)


@pytest.mark.needs("tclsh")
@pytest.mark.parametrize("missing", ["sources/naas_ram.v", "constraints.xdc"])
def test_a_file_that_is_missing_is_found_by_the_stubs(missing: str, tmp_path: Path) -> None:
    files = project()
    del files[f"{FOLDER}/{missing}"]
    ended = run_tcl(tmp_path, files)
    assert ended.returncode == 1 and f"there is no file {missing}" in ended.stderr


def test_parts_have_the_names_that_vivado_gives_them() -> None:
    part = find_part("XC7A100TCSG324-2")
    assert (part.device.name, part.package, part.speed_grade) == ("xc7a100t", "CSG324", 2)
    assert find_part("xc7a35t").package == "CPG236"
    assert find_part("xc7z020clg484").speed_grade == 1
    names = [name for name, device in DEVICES.items() if device.family is Family.SERIES_7]
    assert all(re.fullmatch(r"xc7[akz]\d+t?", name) for name in names)
