"""One description of the registers: every tool that reads a file of it finds the same."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from driver_programs import SMALL
from markdown_it import MarkdownIt
from peakrdl_ipxact import IPXACTImporter
from systemrdl import RDLCompiler
from systemrdl.node import RegNode, RootNode
from systemrdl.rdltypes import AccessType, OnWriteType

from naas_hw.emit.integration import CLOCK_FILES, CORE_FILE, DATASHEET, IP_FILE
from naas_hw.emit.module_ports import ports_of
from naas_hw.emit.package import plan_rtl
from naas_hw.emit.registers import buses_of
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import IDENTITY, Access, Field, register_map
from naas_hw.sim.hardware import generate

pytestmark = pytest.mark.takes_seconds


SOFTWARE = {
    Access.READ_WRITE: (AccessType.rw, None),
    Access.READ_ONLY: (AccessType.r, None),
    Access.WRITE_ONE_TO_CLEAR: (AccessType.rw, OnWriteType.woclr),
    Access.WRITE_ONLY: (AccessType.w, None),
}

SPACE = {"x": "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"}

Registers = dict[str, tuple[int, dict[str, tuple[int, int, AccessType, OnWriteType | None]]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated files of a small accelerator."""
    place = tmp_path_factory.mktemp("small")
    hardware = generate(SMALL)
    plan_rtl(SMALL, hardware.sources, hardware.digest).write(place)
    return place / "rtl"


def registers_in(root: RootNode) -> Registers:
    """Name -> offset, and the bits and accesses of each field."""
    return {
        node.inst_name: (
            node.absolute_address,
            {
                field.inst_name: (
                    field.low,
                    field.high,
                    field.get_property("sw"),
                    field.get_property("onwrite"),
                )
                for field in node.fields()
            },
        )
        for node in root.top.descendants()
        if isinstance(node, RegNode)
    }


def field_facts(field: Field) -> tuple[int, int, AccessType, OnWriteType | None]:
    return (field.first_bit, field.last_bit, *SOFTWARE[field.access])


EXPECTED: Registers = {
    register.name: (
        register.offset,
        {field.name: field_facts(field) for field in register.all_fields},
    )
    for register in register_map(COUNTERS)
}


def test_systemrdl_is_the_register_map(folder: Path) -> None:
    compiler = RDLCompiler()
    compiler.compile_file(str(folder / "registers" / "naas_registers.rdl"))
    root = compiler.elaborate()
    assert registers_in(root) == EXPECTED
    identity = root.top.find_by_path("identity.value")
    assert identity is not None and identity.get_property("reset") == IDENTITY


def test_ip_xact_is_the_register_map(folder: Path) -> None:
    compiler = RDLCompiler()
    IPXACTImporter(compiler).import_file(str(folder / "registers" / "naas_registers.xml"))
    assert registers_in(compiler.elaborate()) == EXPECTED


def test_the_component_has_the_ports_of_the_top_their_buses_and_the_files(folder: Path) -> None:
    root = ElementTree.parse(folder / "registers" / "naas_registers.xml").getroot()
    top = ports_of((folder / "naas_accelerator.v").read_text(), "naas_accelerator")
    ports = {}
    for port in root.iterfind(".//x:ports/x:port", SPACE):
        left = port.findtext(".//x:left", "0", SPACE)
        direction = port.findtext("x:wire/x:direction", None, SPACE)
        ports[port.findtext("x:name", "", SPACE)] = (int(left) + 1, direction)
    assert ports == {p.name: (p.width, "in" if p.is_input else "out") for p in top}
    mapped = []
    for bus in root.iterfind(".//x:busInterface", SPACE):
        name = bus.findtext("x:name", None, SPACE)
        for pair in bus.iterfind(".//x:portMap", SPACE):
            logical = pair.findtext("x:logicalPort/x:name", "", SPACE)
            physical = pair.findtext("x:physicalPort/x:name", "", SPACE)
            assert physical == f"{name}_{logical.lower()}"
            mapped.append(physical)
    alone = {"aclk", "aresetn", "interrupt"}
    assert sorted(mapped) == sorted(set(ports) - alone)
    reference = root.find(".//x:memoryMapRef", SPACE)
    assert reference is not None and reference.attrib["memoryMapRef"] == "s_axil"
    assert root.findtext(".//x:memoryMap/x:name", None, SPACE) == "s_axil"
    files = [file.text or "" for file in root.iterfind(".//x:fileSet/x:file/x:name", SPACE)]
    names = (folder / "files.f").read_text().split()
    assert [(folder / "registers" / file).resolve() for file in files] == [
        (folder / name).resolve() for name in names
    ]


def test_the_table_for_people_is_the_register_map(folder: Path) -> None:
    text = (folder / "registers" / "naas_registers.md").read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    cells = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "td_open"]
    rows = list(zip(cells[::4], cells[1::4], cells[2::4], strict=False))
    for register in register_map(COUNTERS):
        assert (f"0x{register.offset:03x}", register.name, register.access.value) in rows


def test_a_field_has_bits_of_its_own(folder: Path) -> None:
    """But for the one that is written where another is read."""
    for register in register_map(COUNTERS):
        for access in (Access.WRITE_ONLY, None):
            bits = [
                bit
                for field in register.all_fields
                if (field.access is Access.WRITE_ONLY) == (access is not None)
                for bit in range(field.first_bit, field.last_bit + 1)
            ]
            assert len(bits) == len(set(bits)) and all(0 <= bit < 32 for bit in bits), register


def test_buses_are_found_among_the_ports(folder: Path) -> None:
    text = (folder / "naas_accelerator.v").read_text()
    registers, memory = buses_of(ports_of(text, "naas_accelerator"))
    assert (registers.name, registers.kind, registers.is_manager) == ("s_axil", "AXI4-Lite", False)
    assert (memory.name, memory.kind, memory.is_manager) == ("m_axi", "AXI4", True)
    assert {port.logical for port in registers.ports} >= {"AWADDR", "WDATA", "BRESP", "RDATA"}
    assert {port.logical for port in memory.ports} >= {"AWLEN", "WLAST", "ARBURST", "RLAST"}


def test_the_files_of_integrators_have_the_digest(folder: Path) -> None:
    digest = json.loads((folder / "manifest.json").read_text())["digest"]
    for name in (*CLOCK_FILES, CORE_FILE, IP_FILE, DATASHEET):
        assert digest in (folder / name).read_text(), name
