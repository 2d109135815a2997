"""Files of a run that were edited, or that are of another design, are named in a sentence."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from driver_programs import SMALL
from onnx import numpy_helper
from small_run import float_model

from naas_hw import api
from naas_hw.api.consistency import findings, hardware
from naas_hw.api.consistency.recorded import EDITABLE
from naas_hw.api.models import find_model
from naas_hw.cli import main
from naas_hw.core.errors import InputError
from naas_hw.core.output_licence import SPDX_LINE
from naas_hw.graph.quantise.measured_accuracy import ACCURACY_FILE, MeasuredAccuracy
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.manifest import MANIFEST
from naas_hw.search.mapping.network_search import MappingSettings
from naas_hw.system.digests import sha256_of_file

pytestmark = pytest.mark.takes_seconds

Edit = Callable[[Path], None]
GENERATE = "`naas generate RUN` writes it anew"
EDITED = "must be as naas wrote it, and was edited"
MISSING = "must be there, as naas wrote it"
CHECKSUM = (
    "manifest.json must be as naas wrote it, and was edited: its checksum is wrong; "
    "put a copy of it back, or make the run anew"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a model with hardware, programs, driver, report, and builds of stand-ins."""
    place = tmp_path_factory.mktemp("made")
    onnx.save(float_model(), place / "float.onnx")
    model = find_model(place / "float.onnx")
    accuracy = MeasuredAccuracy(integer_accuracy=0.5, num_samples=8, data="digits")
    files = {**model.files, ACCURACY_FILE: accuracy.text.encode()}
    api.map(
        model.network(SMALL.beat_bytes, SMALL.options),
        SMALL,
        MappingSettings(evaluations=60, proof_evaluations=0),
        run=api.RunSettings(folder=place / "run", files=files),
    )
    run = place / "run"
    add_builds(run, f"{api.generate(run).digest:016x}")
    api.report(run)
    return run


def add_builds(run: Path, digest: str) -> None:
    """What builds for an FPGA and simulations leave, as far as it says of which hardware it is."""
    with RunFolder.open(run) as folder:
        folder.write_text("fpga/build.json", json.dumps({"version": 1, "hardware": digest}))
        folder.write_text("fpga/route.log", "routed")
        folder.write_text(
            "sim/predicted.json", json.dumps({"version": 1, "digest": digest, "layers": []})
        )
        with folder.written_by_program("soc") as place:
            (place / "build").mkdir(parents=True)
            (place / "build" / "cache.o").write_bytes(b"of a compiler")
            (place / "expected.json").write_text(json.dumps({"version": 1, "digest": digest}))
            (place / "main.c").write_text("int main(void) { return 0; }")
        folder.record(["soc/expected.json", "soc/main.c"])


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A run with all files that naas writes, for one test."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def replace(name: str, old: str, new: str) -> Edit:
    """Changes a text."""

    def edit(run: Path) -> None:
        text = (run / name).read_text()
        assert old in text
        (run / name).write_text(text.replace(old, new, 1))

    return edit


def append(name: str) -> Edit:
    """Adds a line to a text."""

    def edit(run: Path) -> None:
        with (run / name).open("a") as stream:
            stream.write("\n")

    return edit


def write(name: str, text: str) -> Edit:
    """Writes a file with another content, or a new one."""

    def edit(run: Path) -> None:
        (run / name).write_text(text)

    return edit


def delete(*names: str) -> Edit:
    """Removes files."""

    def edit(run: Path) -> None:
        for name in names:
            (run / name).unlink()

    return edit


def flip(name: str) -> Edit:
    """Changes the last byte of a file."""

    def edit(run: Path) -> None:
        data = bytearray((run / name).read_bytes())
        data[-1] ^= 1
        (run / name).write_bytes(data)

    return edit


def change_json(name: str, change: Callable[[dict], object]) -> Edit:
    """Changes the value of a JSON file."""

    def edit(run: Path) -> None:
        value = json.loads((run / name).read_text())
        change(value)
        (run / name).write_text(json.dumps(value, indent=1) + "\n")

    return edit


def several(*edits: Edit) -> Edit:
    """One edit after the other."""

    def edit(run: Path) -> None:
        for one in edits:
            one(run)

    return edit


def change_weight(run: Path) -> None:
    """Changes the sign of a weight in the model."""
    model = onnx.load(run / "model.onnx")
    weights = next(one for one in model.graph.initializer if len(one.dims) == 4)
    values = numpy_helper.to_array(weights).copy()
    values.flat[np.argmax(np.abs(values))] *= -1
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(model, run / "model.onnx")


def resealed(change: Callable[[dict], object]) -> Edit:
    """Changes `manifest.json` and gives it a right checksum, as only a program can."""

    def edit(run: Path) -> None:
        change_json(MANIFEST, change)(run)
        edited = RunFolder.read(run).manifest
        unsealed = edited.model_copy(update={"version": 2, "checksum": None, "files": {}})
        (run / MANIFEST).write_text(unsealed.with_files(edited.files).text)

    return edit


def as_version_2(run: Path) -> None:
    """The manifest as an older naas wrote it: without digests of files."""

    def change(manifest: dict) -> None:
        manifest.update(version=2, files=sorted(manifest["files"]))
        del manifest["checksum"]

    change_json(MANIFEST, change)(run)


PROGRAMS = "program/program.json"
WEIGHTS = "program/Conv_0/weights.bin"
RAM = "rtl/naas_ram.v"
RTL_MANIFEST = "rtl/manifest.json"

EDITS: dict[str, tuple[Edit, list[str]]] = {
    "driver edited": (append("driver/naas.c"), [f"driver/naas.c {EDITED}; {GENERATE}"]),
    "driver deleted": (delete("driver/naas.h"), [f"driver/naas.h {MISSING}; {GENERATE}"]),
    "whole driver deleted": (
        lambda run: shutil.rmtree(run / "driver"),
        [f"driver/ {MISSING}; {GENERATE}"],
    ),
    "weights changed": (flip(WEIGHTS), [f"{WEIGHTS} {EDITED}; {GENERATE}"]),
    "weights deleted": (delete(WEIGHTS), [f"{WEIGHTS} {MISSING}; {GENERATE}"]),
    "watchdog changed": (
        change_json(PROGRAMS, lambda value: value["layers"][0].update(watchdog=9999)),
        [f"{PROGRAMS} {EDITED}; {GENERATE}"],
    ),
    "range changed": (
        change_json(PROGRAMS, lambda value: value["layers"][0].update(write_last=1 << 20)),
        [f"{PROGRAMS} {EDITED}; {GENERATE}"],
    ),
    "programs emptied": (
        change_json(PROGRAMS, lambda value: value["layers"].clear()),
        [f"{PROGRAMS} {EDITED}; {GENERATE}"],
    ),
    "programs no JSON": (
        write(PROGRAMS, "["),
        [f"{PROGRAMS}: must be JSON: Expecting value: line 1 column 2 (char 1); {GENERATE}"],
    ),
    "programs deleted": (delete(PROGRAMS), [f"{PROGRAMS} {MISSING}; {GENERATE}"]),
    "network deleted": (
        delete("program/network.naas"),
        [f"program/network.naas {MISSING}; {GENERATE}"],
    ),
    "network damaged": (
        flip("program/network.naas"),
        [
            "program/network.naas: the checksum of a program file is wrong: its content was "
            f"changed; {GENERATE}"
        ],
    ),
    "weight of the model changed": (
        change_weight,
        [
            "accuracy.json must be of model.onnx, which was edited since; "
            "only a new search writes it anew",
            f"program/network.naas must be what model.onnx and mapping.yaml compile to; {GENERATE}",
        ],
    ),
    "model deleted": (
        delete("model.onnx"),
        ["model.onnx must be there, as naas wrote it; only a new search writes it anew"],
    ),
    "hardware's manifest deleted": (
        delete(RTL_MANIFEST),
        [f"{RTL_MANIFEST} {MISSING}; {GENERATE}"],
    ),
    "hardware's manifest edited": (
        change_json(RTL_MANIFEST, lambda value: value.update(top="other")),
        [f"{RTL_MANIFEST} {EDITED}; {GENERATE}"],
    ),
    "hardware's manifest emptied, Verilog edited": (
        several(change_json(RTL_MANIFEST, lambda value: value["files"].clear()), append(RAM)),
        [f"{RTL_MANIFEST} {EDITED}; {GENERATE}", f"{RAM} {EDITED}; {GENERATE}"],
    ),
    "Verilog edited": (append(RAM), [f"{RAM} {EDITED}; {GENERATE}"]),
    "Verilog deleted": (delete(RAM), [f"{RAM} {MISSING}; {GENERATE}"]),
    "foreign Verilog": (
        write("rtl/mine.v", "module mine; endmodule"),
        ["rtl/mine.v must not be there, because naas did not write it; move it away"],
    ),
    "manifest's seed edited": (
        change_json(MANIFEST, lambda value: value.update(seed=9)),
        [CHECKSUM],
    ),
    "manifest's files emptied": (
        change_json(MANIFEST, lambda value: value["files"].clear()),
        [CHECKSUM],
    ),
    "manifest with a digest of other Verilog": (
        resealed(lambda value: value["files"].update({RAM: "0" * 64})),
        [
            f"manifest.json must have the SHA-256 of {RAM} that rtl/manifest.json has, and was "
            "edited; `naas generate RUN` writes both anew"
        ],
    ),
    "manifest without Verilog": (
        resealed(lambda value: value["files"].pop(RAM)),
        [f"manifest.json must list {RAM}, as rtl/manifest.json does, and was edited"],
    ),
    "manifest with a digest of another driver": (
        resealed(lambda value: value["files"].update({"driver/naas.c": "0" * 64})),
        [f"driver/naas.c {EDITED}; {GENERATE}"],
    ),
    "manifest deleted": (
        delete(MANIFEST),
        [
            "manifest.json must be there, because it lists what naas wrote into rtl/, program/, "
            "driver/; after these folders are moved away, `naas generate RUN` writes all of them "
            "anew"
        ],
    ),
    "report edited": (
        append("report.html"),
        [f"report.html {EDITED}; `naas report RUN` writes it anew"],
    ),
    "result edited": (
        append("result.json"),
        [f"result.json {EDITED}; only a new search writes it anew"],
    ),
    "build edited": (
        append("fpga/route.log"),
        [f"fpga/route.log {EDITED}; `naas build RUN` writes it anew"],
    ),
    "SoC edited": (
        append("soc/main.c"),
        [f"soc/main.c {EDITED}; `naas build RUN --soc litex` writes it anew"],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named_in_a_sentence_that_says_what_is_right(run: Path, name: str) -> None:
    edit, sentences = EDITS[name]
    edit(run)
    assert sorted(findings(run)) == sorted(sentences)


def test_what_naas_made_belongs_together(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert findings(run) == []
    assert main(["doctor", str(run)]) == 0
    assert capsys.readouterr().out == "the files of the run belong together\n"


def test_the_command_fails_for_a_file_that_was_edited(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(RAM)(run)
    assert main(["doctor", str(run), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"ok": False, "findings": findings(run)}


def test_generate_makes_right_what_it_is_named_for(run: Path) -> None:
    edit_rtl = several(append(RAM), delete(RTL_MANIFEST, "rtl/files.f"))
    edit_program = several(delete(PROGRAMS), flip(WEIGHTS), flip("program/network.naas"))
    several(edit_rtl, edit_program, append("driver/naas.c"), delete("driver/naas.h"))(run)
    found = findings(run)
    assert len(found) == 8 and all(one.endswith(GENERATE) for one in found)
    api.generate(run)
    assert findings(run) == []


def test_each_file_that_naas_wrote_is_named_when_it_is_edited(run: Path) -> None:
    digests = RunFolder.read(run).manifest.digests
    texts = [name for name in sorted(digests) if name not in EDITABLE]
    assert {name.split("/")[0] for name in texts} >= {"rtl", "program", "driver", "fpga", "soc"}
    for name in texts:
        append(name)(run)
    assert {one.split()[0].rstrip(":") for one in findings(run)} == set(texts)


def test_a_manifest_of_a_user_does_not_become_right_by_the_next_command(run: Path) -> None:
    change_json(MANIFEST, lambda value: value.update(seed=9))(run)
    api.report(run)
    assert findings(run) == [CHECKSUM]


def test_a_design_that_was_edited_is_right_again_after_generate(run: Path) -> None:
    change_weight(run)
    delete(ACCURACY_FILE)(run)
    api.generate(run)
    assert findings(run) == [
        f"{ACCURACY_FILE} must be there, as naas wrote it; only a new search writes it anew"
    ]


def test_files_of_tools_and_notes_may_lie_beside_the_verilog(run: Path) -> None:
    packed = run / "rtl" / "ip" / "naas_accelerator" / "src"
    packed.mkdir(parents=True)
    shutil.copy(run / RAM, packed)
    (run / "rtl" / "test" / "naas_test.vvp").write_text("of Icarus")
    (run / "rtl" / "notes.txt").write_text("mine")
    assert findings(run) == []


def test_the_digest_stands_where_the_documents_say(run: Path) -> None:
    digest = json.loads((run / RTL_MANIFEST).read_text())["digest"].encode()
    without = {
        path.relative_to(run / "rtl").as_posix()
        for path in (run / "rtl").rglob("*")
        if path.is_file() and digest not in path.read_bytes()
    }
    in_test = ("expected.hex", "files.f", "naas_axi_check.v", "naas_dram.v", "program.hex")
    assert without == {"files.f", *(f"test/{name}" for name in in_test)}
    assert digest in (run / "report.html").read_bytes()
    assert int(digest, 16).to_bytes(8, "little") in (run / "program" / "network.naas").read_bytes()


def test_a_descriptor_holds_the_low_half_of_the_digest(run: Path) -> None:
    digest = int(json.loads((run / RTL_MANIFEST).read_text())["digest"], 16)
    descriptors = sorted((run / "program").rglob("descriptor.bin"))
    assert descriptors
    for path in descriptors:
        bits = f"{int.from_bytes(path.read_bytes(), 'little'):b}"
        assert f"{digest & 0xFFFF_FFFF:032b}" in bits
        assert f"{digest:064b}" not in bits


def test_each_generated_text_says_under_which_terms_it_is_used(run: Path) -> None:
    kinds = {".v", ".c", ".h", ".md", ".rdl", ".xml", ".tcl", ".sdc", ".xdc", ".core"}
    generated = [run / name for name in ("rtl", "program", "driver")]
    paths = [path for place in generated for path in place.rglob("*") if path.suffix in kinds]
    assert kinds == {path.suffix for path in paths}
    for path in paths:
        assert SPDX_LINE in "\n".join(path.read_text().splitlines()[:3]), path


# ------------------------------------------------------------------------------- an older version


def test_an_older_run_without_digests_has_no_findings(run: Path) -> None:
    as_version_2(run)
    assert findings(run) == []


OLDER: dict[str, tuple[Edit, Sequence[str]]] = {
    "driver deleted": (delete("driver/naas.h"), EDITS["driver deleted"][1]),
    "programs deleted": (delete(PROGRAMS), EDITS["programs deleted"][1]),
    "network deleted": (delete("program/network.naas"), EDITS["network deleted"][1]),
    "hardware's manifest deleted": (
        delete(RTL_MANIFEST),
        EDITS["hardware's manifest deleted"][1],
    ),
    "Verilog edited": (append(RAM), EDITS["Verilog edited"][1]),
    "weights changed": (
        flip(WEIGHTS),
        [f"{WEIGHTS} must be what network.yaml and mapping.yaml compile to; {GENERATE}"],
    ),
    "watchdog changed": (
        EDITS["watchdog changed"][0],
        [f"{PROGRAMS} must be what network.yaml and mapping.yaml compile to; {GENERATE}"],
    ),
    "hardware's manifest names files elsewhere": (
        replace(RTL_MANIFEST, '"naas_ram.v":', '"../accelerator.yaml":'),
        [
            f"{RTL_MANIFEST} must name files in rtl/, not '../accelerator.yaml'; {GENERATE}",
        ],
    ),
    "digests in a manifest of version 2": (
        change_json(MANIFEST, lambda value: value.update(files={"result.json": "0" * 64})),
        [CHECKSUM, f"result.json {EDITED}; only a new search writes it anew"],
    ),
}


@pytest.mark.parametrize("name", OLDER)
def test_an_older_run_is_judged_as_far_as_it_says_something(run: Path, name: str) -> None:
    edit, sentences = OLDER[name]
    as_version_2(run)
    edit(run)
    assert sorted(findings(run)) == sorted(sentences)


def test_programs_that_another_version_compiled_are_not_compiled_again(run: Path) -> None:
    as_version_2(run)
    flip(WEIGHTS)(run)
    change_json(RTL_MANIFEST, lambda value: value.update(naas="0.0.9"))(run)
    assert findings(run) == []


# -------------------------------------------------------------------------------- another hardware


def test_another_accelerator_is_found(run: Path) -> None:
    replace("accelerator.yaml", "scale_depth: 64", "scale_depth: 32")(run)
    assert any(one.startswith("rtl/ must be of the accelerator") for one in findings(run))


def test_another_memory_outside_is_no_other_hardware(run: Path) -> None:
    replace("accelerator.yaml", "dram_latency_cycles: ", "dram_latency_cycles: 1")(run)
    found = findings(run)
    assert any(one.startswith(f"{PROGRAMS} must be of mapping.yaml") for one in found)
    assert all(one.startswith("program/") for one in found)


OTHER = {
    "rtl/registers/naas_registers.h": ("NAAS_DIGEST 0x", GENERATE),
    PROGRAMS: ('"digest": "', GENERATE),
    "report.html": ("<dt>digest of the hardware</dt><dd>", "`naas report RUN` writes it anew"),
    "sim/predicted.json": ('"digest": "', "`naas simulate RUN` writes it anew"),
    "fpga/build.json": ('"hardware": "', "`naas build RUN` writes it anew"),
    "soc/expected.json": ('"digest": "', "`naas build RUN --soc litex` writes it anew"),
}


@pytest.mark.parametrize("name", OTHER)
def test_a_file_of_other_hardware_is_found(run: Path, name: str) -> None:
    before, remedy = OTHER[name]
    digest = json.loads((run / RTL_MANIFEST).read_text())["digest"]
    replace(name, before + digest, before + "0" * 16)(run)
    (sentence,) = findings(run)
    assert (
        sentence == f"{name} must be of the hardware {digest} in rtl/, not of {'0' * 16}; {remedy}"
    )


def test_a_program_file_may_be_larger_than_a_json_file(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "MAX_FILE_BYTES", 64)
    found = findings(run)
    assert any(f"{PROGRAMS}: must have at most 64 bytes" in one for one in found)
    assert not any("network.naas" in one for one in found)


def test_a_report_without_hardware_is_of_any(run: Path) -> None:
    digest = json.loads((run / RTL_MANIFEST).read_text())["digest"]
    row = f"<div><dt>digest of the hardware</dt><dd>{digest}</dd></div>"
    replace("report.html", row, "")(run)
    found = sha256_of_file(run / "report.html")
    resealed(lambda value: value["files"].update({"report.html": found}))(run)
    assert findings(run) == []


# ------------------------------------------------------------------------------------- the design


def test_a_mapping_that_the_accelerator_cannot_run_is_found(run: Path) -> None:
    replace("accelerator.yaml", "weight_buffer_bytes: ", "weight_buffer_bytes: 4 # ")(run)
    (sentence,) = findings(run)
    assert "capacity: bytes of weights in a PE must be at most" in sentence


def test_a_folder_without_a_design_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        findings(tmp_path)
