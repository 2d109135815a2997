"""Files of a run that were edited, or that are of another design, are named in a sentence."""

import json
import shutil
from pathlib import Path

import pytest
from small_run import write_run

from naas_hw import api
from naas_hw.api.consistency import findings
from naas_hw.cli import main
from naas_hw.core.errors import InputError
from naas_hw.core.output_licence import SPDX_LINE

pytestmark = pytest.mark.takes_seconds


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("run"))
    api.generate(folder)
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A run with hardware and programs, for one test."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def the_one(run: Path) -> str:
    (sentence,) = findings(run)
    return sentence


def test_what_naas_made_belongs_together(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert findings(run) == []
    assert main(["doctor", str(run)]) == 0
    assert capsys.readouterr().out == "the files of the run belong together\n"


def test_each_generated_text_says_under_which_terms_it_is_used(run: Path) -> None:
    kinds = {".v", ".c", ".h", ".md", ".rdl", ".xml", ".tcl", ".sdc", ".xdc", ".core"}
    paths = [path for path in run.rglob("*") if path.suffix in kinds]
    assert kinds == {path.suffix for path in paths}
    for path in paths:
        assert SPDX_LINE in "\n".join(path.read_text().splitlines()[:3]), path


def test_edited_verilog_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(run / "rtl" / "naas_credit_i0_d1_w3.v", "count", "count ")
    assert the_one(run).startswith("rtl/naas_credit_i0_d1_w3.v must be as it was generated")
    assert main(["doctor", str(run), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_missing_verilog_is_named(run: Path) -> None:
    (run / "rtl" / "naas_ram.v").unlink()
    assert the_one(run) == "rtl/naas_ram.v must be there, as rtl/manifest.json says"


def test_a_manifest_that_names_files_elsewhere_is_told(run: Path) -> None:
    edit(run / "rtl" / "manifest.json", '"naas_ram.v":', '"../accelerator.yaml":')
    assert the_one(run) == "rtl/manifest.json must name files in rtl/, not '../accelerator.yaml'"


def test_another_accelerator_is_found(run: Path) -> None:
    edit(run / "accelerator.yaml", "scale_depth: 64", "scale_depth: 32")
    assert any(one.startswith("rtl/ must be of the accelerator") for one in findings(run))


def test_another_memory_outside_is_no_other_hardware(run: Path) -> None:
    edit(run / "accelerator.yaml", "dram_latency_cycles: ", "dram_latency_cycles: 1")
    assert not any(one.startswith("rtl/") for one in findings(run))
    assert all(
        one.startswith("program/program.json must be of mapping.yaml") for one in findings(run)
    )


def test_a_header_of_other_hardware_is_found(run: Path) -> None:
    edit(run / "rtl" / "registers" / "naas_registers.h", "NAAS_DIGEST 0x", "NAAS_DIGEST 0x0")
    found = findings(run)
    assert any("was edited" in one for one in found)
    assert any(one.startswith("rtl/registers/naas_registers.h must be of the") for one in found)


def test_a_program_of_other_hardware_is_found(run: Path) -> None:
    digest = json.loads((run / "rtl" / "manifest.json").read_text())["digest"]
    edit(run / "program" / "program.json", digest, "0" * 16)
    assert f"must be of the hardware {digest} in rtl/, not of {'0' * 16}" in the_one(run)


def test_a_damaged_program_file_is_found(run: Path) -> None:
    path = run / "program" / "network.naas"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert the_one(run).startswith("program/network.naas: ")


def test_a_mapping_that_the_accelerator_cannot_run_is_found(run: Path) -> None:
    edit(run / "accelerator.yaml", "weight_buffer_bytes: ", "weight_buffer_bytes: 4 # ")
    assert "capacity: bytes of weights in a PE must be at most" in the_one(run)


def test_a_folder_without_a_design_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        findings(tmp_path)
