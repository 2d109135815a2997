"""A SoC goes to a bitstream through LiteX; here a script stands for LiteX and its tools."""

import ast
import hashlib
import json
import re
from pathlib import Path

import pytest

from naas_hw.api import find_board, socs
from naas_hw.api.socs import FOLDER, SocSettings, build_soc
from naas_hw.arch.families import Family
from naas_hw.arch.placer import Placer
from naas_hw.cli import main
from naas_hw.core.errors import InputError, ToolError
from naas_hw.core.resources import template_folder
from naas_hw.emit.plan import FilePlan
from naas_hw.fpga import litex_soc
from naas_hw.fpga.progress import BuildProgress
from naas_hw.fpga.soc_record import check_unchanged
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.manifest import Manifest, digest_of

BOARD = find_board("ulx3s-85f")
DOCS = Path(__file__).parents[2] / "docs"

UTILIZATION = {
    name: {"used": number, "available": 1000}
    for number, name in enumerate(("TRELLIS_COMB", "TRELLIS_FF", "MULT18X18D", "DP16KD"), start=10)
}

SCRIPT = """
import json, os, subprocess, sys, time
from pathlib import Path

tools = Path(os.environ["PATH"].split(":")[0])
assert all((tools / name).is_symlink() for name in ("yosys", "nextpnr-ecp5", "ecppack"))
given = sys.argv[1:]
assert given[given.index("--megahertz") + 1] == "50" and "--build" in given
gateware = Path("build", "gateware")
gateware.mkdir(parents=True, exist_ok=True)
(gateware / "naas_ulx3s.log").write_text("Info: Routing..\\nInfo: Routing 800 arcs.\\n")
time.sleep(SECONDS)
report = {"fmax": {"clk": {"achieved": MHZ, "constraint": 50}}, "utilization": UTILIZATION}
(gateware / "naas_ulx3s.json_report").write_text(json.dumps(report))
if MHZ >= 50:
    (gateware / "naas_ulx3s.bit").write_bytes(b"bits")
Path("firmware").mkdir(exist_ok=True)
Path("firmware", "firmware.fbi").write_bytes(b"image")
sys.exit(STATUS)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run; its folder may lie below /tmp here, since nothing of YoWASP runs."""
    monkeypatch.setattr(litex_soc, "NEEDED", ())
    monkeypatch.setattr(litex_soc, "HIDDEN", tmp_path / "hidden")
    place = tmp_path / "run"
    manifest = Manifest.of(command=["naas", "search"], digest=digest_of("nothing"))
    with RunFolder.create(place, manifest) as made:
        made.write_text("result.json", "{}")
    return place


def stand_in(monkeypatch: pytest.MonkeyPatch, *, mhz: float = 60.0, status: int = 0) -> None:
    """A script instead of the SoC's."""
    text = SCRIPT.replace("MHZ", str(mhz)).replace("STATUS", str(status))
    text = text.replace("UTILIZATION", json.dumps(UTILIZATION)).replace("SECONDS", "1.5")
    export_files(monkeypatch, text)


def export_files(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """What `export_litex` would make of the run, as far as the build looks at it."""

    def export(run: Path, *, family: Family) -> FilePlan:
        assert family is Family.ECP5
        return FilePlan.of({"soc_ulx3s.py": script})

    monkeypatch.setattr(socs, "export_litex", export)


@pytest.mark.takes_seconds
def test_a_soc_has_usage_clock_and_bitstream(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, mhz=61.25)
    told: list[BuildProgress] = []
    report = build_soc(run, SocSettings(board=BOARD), progress=told.append)
    assert report.fmax_mhz == 61.25 and report.clock_mhz == 50.0
    assert [report.usage[name].used for name in ("lut4", "ff", "dsp", "block_ram")] == [
        10,
        11,
        12,
        13,
    ]
    assert report.bitstream == "build/gateware/naas_ulx3s.bit"
    assert report.image == "firmware/firmware.fbi"
    assert told and told[-1].detail == "0 of 800 connections"
    kept = json.loads((run / FOLDER / "soc.json").read_text())
    script = (run / FOLDER / "soc_ulx3s.py").read_bytes()
    assert kept.pop("files") == {"soc_ulx3s.py": hashlib.sha256(script).hexdigest()}
    assert kept == report.as_dict() and kept["lut4"] == 10


@pytest.mark.takes_seconds
def test_the_run_lists_what_is_built_and_nothing_of_a_user(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    build_soc(run, SocSettings(board=BOARD))
    (run / FOLDER / "mine.txt").write_text("mine")
    build_soc(run, SocSettings(board=BOARD))
    listed = RunFolder.read(run).manifest.listed
    built = {"soc.json", "soc_ulx3s.py", "build.log", "build/gateware/naas_ulx3s.bit"}
    assert {f"{FOLDER}/{name}" for name in built} <= listed
    assert f"{FOLDER}/mine.txt" not in listed and "result.json" in listed
    digests = RunFolder.read(run).manifest.digests
    assert {f"{FOLDER}/{name}" for name in built} <= set(digests)
    assert f"{FOLDER}/build/gateware/naas_ulx3s.log" in listed - set(digests)


@pytest.mark.takes_seconds
def test_a_missed_clock_gives_no_bitstream(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, mhz=41.5, status=1)
    words = ["build", str(run), "--board", "ulx3s-85f", "--soc", "litex"]
    assert main([*words, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["bitstream"] is None and said["flash_image"] is None
    assert main(words) == 1
    assert "build with --frequency 41" in capsys.readouterr().out


@pytest.mark.takes_seconds
def test_the_last_lines_are_the_commands_that_fill_the_flash(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch)
    assert main(["build", str(run), "--board", "ulx3s-85f", "--soc", "litex"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"openFPGALoader -b ulx3s -f {run}/soc/build/gateware/naas_ulx3s.bit",
        f"openFPGALoader -b ulx3s -f -o 0x200000 --file-type raw {run}/soc/firmware/firmware.fbi",
    ]


def test_all_say_the_same_offset_of_the_image_in_the_flash() -> None:
    folder = template_folder() / "litex"
    [offset] = re.findall(r"^FLASH_OFFSET = (\w+)$", (folder / "naas_litex.py").read_text(), re.M)
    assert int(offset, 0) == litex_soc.FLASH_OFFSET
    pages = [folder / "README.md.j2", folder / "soc_ulx3s.py", DOCS / "integration.md"]
    for page in pages:
        commands = re.findall(r"openFPGALoader .* -o (\w+) .*\.fbi", page.read_text())
        assert [int(found, 0) for found in commands] == [litex_soc.FLASH_OFFSET], page


@pytest.mark.takes_seconds
def test_a_firmware_that_is_not_built_is_no_missed_clock(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, mhz=61.0, status=1)
    with pytest.raises(ToolError, match=r"must build the SoC, which it did not: see .*build\.log"):
        build_soc(run, SocSettings(board=BOARD))


def test_a_failed_build_says_where_the_log_is(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_files(monkeypatch, "raise SystemExit('no such CPU')")
    for name in (litex_soc.REPORT, litex_soc.BITSTREAM):
        (run / FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (run / FOLDER / name).write_text("{}")  # of an earlier build, which must not answer
    (run / FOLDER / "soc.json").write_text('{"soc": "litex"}')
    with pytest.raises(ToolError, match=r"see .*build\.log"):
        build_soc(run, SocSettings(board=BOARD))
    assert "no such CPU" in (run / FOLDER / "build.log").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--board", "ulx3s-85f", "--soc", "x"], "--soc must be litex"),
        (["--device", "lfe5u-85f", "--soc", "litex"], "--soc must be given with --board"),
        (["--board", "ulx3s-85f", "--soc", "litex", "--seeds", "2"], "--seeds must not be given"),
        (
            ["--board", "ecpix5-85f", "--soc", "litex"],
            "the board of a SoC must be one of ulx3s-85f",
        ),
    ],
)
def test_what_no_soc_is_built_of_is_refused(
    words: list[str], says: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(run), *words]) == 2
    assert says in capsys.readouterr().err
    assert not (run / FOLDER).exists()


def test_the_placer_is_that_of_other_builds() -> None:
    script = (template_folder() / "litex" / "soc_ulx3s.py").read_text()
    assert f'\nPLACER = "{Placer.STATIC}"\n' in script


def test_cells_are_mapped_by_the_commands_of_other_builds() -> None:
    script = (template_folder() / "litex" / "soc_ulx3s.py").read_text()
    theirs = (template_folder() / "fpga" / "synthesis.ys.j2").read_text().splitlines()
    [commands] = re.findall(r"^SYNTHESIS = (\[.*?^\])", script, re.M | re.S)
    found = ast.literal_eval(commands)
    mapping = found[found.index("scratchpad -copy abc9.script.flow3 abc9.script") : -1]
    wanted = [line.replace("{{ top }}", "{build_name}") for line in theirs]
    assert len(mapping) == 5 and [line for line in wanted if line in mapping] == mapping


def test_a_folder_below_tmp_is_refused() -> None:
    with pytest.raises(InputError, match="must lie outside of"):
        litex_soc.check_build("ulx3s-85f", litex_soc.HIDDEN / "soc")


@pytest.mark.parametrize("name", ["a b", "$(touch x)", "a;b", "b\u00fcro", "#c"])
def test_a_folder_whose_name_make_would_read_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="must have no characters but letters, digits"):
        litex_soc.check_build("ulx3s-85f", Path("/work") / name / "soc")


def test_a_folder_with_something_else_is_refused(run: Path) -> None:
    (run / FOLDER).mkdir(parents=True)
    (run / FOLDER / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="an empty one, or one that holds a SoC"):
        build_soc(run, SocSettings(board=BOARD))
    for content in ("{}", "[]", '{"soc": "other"}', '{"name": "of another program"}'):
        (run / FOLDER / "soc.json").write_text(content)
        with pytest.raises(InputError, match="an empty one, or one that holds a SoC"):
            build_soc(run, SocSettings(board=BOARD))
    assert not (run / FOLDER / "soc_ulx3s.py").exists()


@pytest.mark.takes_seconds
def test_a_file_that_a_user_changed_is_not_replaced(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, mhz=60.0)
    build_soc(run, SocSettings(board=BOARD))
    stand_in(monkeypatch, mhz=70.0)  # other files: what naas wrote is replaced
    assert build_soc(run, SocSettings(board=BOARD)).fmax_mhz == 70.0
    script, record = run / FOLDER / "soc_ulx3s.py", run / FOLDER / "soc.json"
    mine, recorded = script.read_text() + "# mine\n", record.read_bytes()
    script.write_text(mine)
    stand_in(monkeypatch, mhz=80.0)
    sentence = r"soc_ulx3s\.py has been changed since naas wrote it; move it to another place"
    with pytest.raises(InputError, match=sentence):
        build_soc(run, SocSettings(board=BOARD))
    assert script.read_text() == mine and record.read_bytes() == recorded
    # what would be written is there already
    check_unchanged(FilePlan.of({"soc_ulx3s.py": mine}), run / FOLDER, {})
    script.unlink()
    stand_in(monkeypatch, mhz=80.0)
    assert build_soc(run, SocSettings(board=BOARD)).fmax_mhz == 80.0
