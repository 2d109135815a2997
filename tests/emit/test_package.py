"""The generated folder: one digest everywhere, the same bytes, a test that needs no Python."""

import json
import re
import subprocess

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.compiler.fields import DESCRIPTOR_VERSION, MAGIC
from naas_hw.core.errors import InputError
from naas_hw.emit.package import (
    choose_test_layer,
    plan_design,
    plan_program,
    plan_rtl,
    plan_test,
)
from naas_hw.emit.plan import FilePlan
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import register_map
from naas_hw.rtl.control.status import ERRORS, Error
from naas_hw.sim.hardware import generate
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network

ACCELERATOR = Accelerator(
    axes=(Axis(dim="C", size=2), Axis(dim="K", size=3)),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=32,
    bank_bytes=1024,
    beat_bytes=8,
    scale_depth=64,
    dram_latency_cycles=20,
)
LAYER = Layer(name="a", K=3, C=4, P=2, Q=4, height=2, width=4)
MAPPING = Mapping(pe=Bounds(P=2, Q=2), spatial=Bounds(K=3, C=2), l2=Bounds(C=2, Q=2))
DIGEST = 0x0123_4567_89AB_CDEF
PORTS = "  input wire aclk,\n  input wire aresetn\n"
FAKE = {"naas_accelerator.v": f"module naas_accelerator (\n{PORTS});\nendmodule\n"}


def network(*layers: Layer) -> Network:
    return Network(name="net", layers=layers)


@pytest.fixture(scope="module")
def rtl() -> FilePlan:
    return plan_rtl(ACCELERATOR, FAKE, DIGEST)


@pytest.fixture(scope="module")
def program() -> FilePlan:
    layers = network(LAYER, LAYER.renamed("same"))
    return plan_program(ACCELERATOR, layers, {"a": MAPPING, "same": MAPPING}, DIGEST)


def test_the_digest_is_the_same_in_readme_header_table_test_manifest_and_program(rtl, program):
    text = f"{DIGEST:016x}"
    for path in (
        "rtl/README.md",
        "rtl/registers/naas_registers.h",
        "rtl/registers/naas_registers.md",
        "rtl/test/naas_test.v",
    ):
        assert text in rtl[path], path
    assert json.loads(rtl["rtl/manifest.json"])["digest"] == text
    assert json.loads(program["program/program.json"])["digest"] == text
    bits = int.from_bytes(program["program/a/descriptor.bin"], "little")
    # one after the other, after some padding
    fields = (DIGEST & 0xFFFF_FFFF) << 40 | DESCRIPTOR_VERSION << 32 | MAGIC
    found = [k for k in range(bits.bit_length()) if bits >> k & (1 << 72) - 1 == fields]
    assert len(found) == 1


def test_the_same_input_gives_the_same_bytes_and_the_seed_other_tensors():
    def plan(seed: int) -> FilePlan:
        made = plan_design(
            ACCELERATOR, FAKE, DIGEST, network=network(LAYER), mappings={"a": MAPPING}, seed=seed
        )
        return made.files

    first, second, other = plan(0), plan(0), plan(1)
    assert first.digest == second.digest
    changed = {path for path in first if first[path] != other[path]}
    assert "program/a/weights.bin" in changed
    assert not any(path.startswith("rtl/") for path in changed)


def test_the_manifest_has_the_digest_of_every_file(rtl):
    from hashlib import sha256

    listed = json.loads(rtl["rtl/manifest.json"])["files"]
    assert {f"rtl/{path}" for path in listed} == set(rtl) - {"rtl/manifest.json"}
    for path, digest in listed.items():
        content = rtl[f"rtl/{path}"]
        data = content.encode() if isinstance(content, str) else content
        assert sha256(data).hexdigest() == digest


def test_header_and_table_have_every_register_and_every_error(rtl):
    header, table = (rtl[f"rtl/registers/naas_registers.{end}"] for end in ("h", "md"))
    for register in register_map(COUNTERS):
        assert f"#define NAAS_REG_{register.name.upper()} 0x{register.offset:03x}u" in header
        assert f"| 0x{register.offset:03x} | {register.name} |" in table
    names = {name: int(bit) for name, bit in Error.__members__.items()}
    assert set(ERRORS) == set(names.values())
    for name, bit in names.items():
        assert f"#define NAAS_ERROR_{name} (1u << {bit})" in header
        assert f"| {bit} | {name} |" in table


@pytest.mark.needs("g++")
def test_the_header_compiles_without_a_warning(rtl, tmp_path):
    (tmp_path / "naas_registers.h").write_text(rtl["rtl/registers/naas_registers.h"])
    source = '#include "naas_registers.h"\nunsigned long long d = NAAS_DIGEST;\n'
    (tmp_path / "user.c").write_text(source)
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-c", "user.c"]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_a_program_lists_every_region_with_its_address_and_its_file(program):
    facts = json.loads(program["program/program.json"])
    assert "examples, drawn from seed 0" in facts["tensors"]
    first, same = facts["layers"]
    assert {**first, "name": "same"} == same  # one set of files for both
    (regions,) = first["groups"]
    ends = 0
    for name, region in regions.items():
        assert region["address"] >= ends, name  # no overlap
        assert name == "descriptor" or region["address"] % 4096 == 0
        ends = region["address"] + region["bytes"]
        if "file" in region:
            assert len(program[f"program/{region['file']}"]) == region["bytes"]
    assert "file" not in regions["outputs"]
    assert ends <= first["memory_bytes"]
    # inputs: 4 channels are one block of 8 bytes, 2 x 4 pixels
    assert regions["inputs"]["bytes"] == 2 * 4 * 8


def test_a_grouped_layer_has_a_descriptor_a_group_and_a_transposed_one_is_named_as_skipped():
    grouped = LAYER.model_copy(update={"groups": 3, "name": "g"})
    transposed = LAYER.model_copy(update={"kind": Kind.TRANSPOSED, "name": "t"})
    plan = plan_program(
        ACCELERATOR, network(grouped, transposed), {"g": MAPPING, "t": MAPPING}, DIGEST
    )
    one, other = json.loads(plan["program/program.json"])["layers"]
    assert one["num_descriptors"] == len(one["groups"]) == 3
    assert len({plan[f"program/g/weights_{group}.bin"] for group in range(3)}) == 3
    assert other == {"name": "t", "skipped": "exists in the model only"}


AXES = ["C", "K", "P", "Q", "R", "S", "CK", "RP", "PQ", "CRS", "PQK", "QSK"]


@pytest.mark.parametrize("dims", AXES)
def test_the_test_layer_uses_every_pe(dims):
    sizes = (3, 2, 4)
    accelerator = Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in zip(dims, sizes, strict=False)),
        weight_buffer_bytes=256,
        input_buffer_bytes=256,
        accumulator_words=256,
        bank_bytes=8192,
        beat_bytes=8,
    )
    layer, mapping = choose_test_layer(accelerator)
    assert violations(accelerator, layer, mapping) == []
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    assert geometry.pes_used == accelerator.num_pes


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_test_of_a_few_thousand_cycles_at_most(name):
    test = plan_test(PRESETS[name].accelerator, 0)
    assert test.cycles < 20_000


def test_a_buffer_too_small_for_anything_is_said():
    tiny = ACCELERATOR.model_copy(update={"scale_depth": 0})
    with pytest.raises(InputError, match="must have room for a layer of one multiplication"):
        choose_test_layer(tiny)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A real design, written."""
    hardware = generate(ACCELERATOR)
    folder = tmp_path_factory.mktemp("run")
    plan_rtl(ACCELERATOR, hardware.sources, hardware.digest).write(folder)
    return folder / "rtl"


def command_of(readme: str) -> str:
    """The first command that the README gives."""
    command = re.search(r"```\n(.*)\n", readme)
    assert command is not None
    return command[1]


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_the_test_in_the_folder_passes_with_the_command_of_its_readme(written):
    done = subprocess.run(
        command_of((written / "README.md").read_text()),
        shell=True,
        cwd=written,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "PASS" in done.stdout


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("expected.hex", None, None, "output bytes are wrong"),
        (
            "naas_test.v",
            "localparam CYCLES     = ",
            "localparam CYCLES     = 1",
            "cycles must be 1",
        ),
        (
            "naas_test.v",
            "localparam LIMIT      = ",
            "localparam LIMIT      = 9; //",
            "no interrupt",
        ),
        ("naas_test.v", "64'h", "~64'h", "the digest must be"),
    ],
)
def test_the_test_in_the_folder_can_fail(written, tmp_path, name, old, new, sentence):
    import shutil

    folder = tmp_path / "rtl"
    shutil.copytree(written, folder)
    text = (folder / "test" / name).read_text()
    if old is None:  # one byte that exists, changed by one bit
        byte = re.search(r"[0-9a-f]{2}\n", text)
        assert byte is not None
        place = byte.start() + 1
        text = text[:place] + f"{int(text[place], 16) ^ 1:x}" + text[place + 1 :]
    else:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "test" / name).write_text(text)
    done = subprocess.run(
        command_of((folder / "README.md").read_text()),
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode != 0
    assert f"FAIL: {sentence}" in done.stdout or sentence in done.stdout
    assert "PASS" not in done.stdout


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_the_test_in_the_folder_compiles_without_a_warning(written):
    done = subprocess.run(
        ["iverilog", "-g2012", "-Wall", "-o", "/dev/null", "-c", "test/files.f"],
        cwd=written,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
