"""`naas score`: a program on PATH is run on each layer, and its figures stand beside ours.

The programs here are scripts that write what the real ones do.
"""

import json
import os
from pathlib import Path

import pytest

from naas_hw.cli import main

MACS = {"a": 2304, "b": 128, "again": 2304}
TIMELOOP = """\
#!/bin/sh
test -f architecture.yaml && test -f layers/*/mapping.yaml || exit 9
echo "$@" >> "$NAAS_TEST_CALLS"
case "$*" in *layers/b/*) macs=128;; *) macs=2304;; esac
cat > timeloop-model.stats.txt <<EOF
Cycles: 576
Energy: 0.09 uJ

Computes = $macs
fJ/Compute
    mac      = 300.00
    Total    = 1000.00
EOF
"""
MAESTRO = """\
#!/bin/sh
test -f hardware.m && test "$2" = --Mapping_file=mapping.m || exit 9
echo "Layer Number, Runtime (Cycles), Activity count-based Energy (nJ), Num MACs" > mapping.csv
grep -q 'Layer b ' mapping.m && macs=128 || macs=2304
echo "net, 737, 3.9, $macs" >> mapping.csv
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a script on PATH; gives the file that it may write calls to."""
    calls, folder = tmp_path / "calls", tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NAAS_TEST_CALLS", str(calls))

    def put(name: str, text: str) -> Path:
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
        return calls

    return put


def scored(design: Path, peer: str, capsys, *words: str) -> tuple[int, dict]:
    status = main(["score", str(design), "--with", peer, "--json", *words])
    return status, json.loads(capsys.readouterr().out)


def test_timeloop_beside_ours(design_folder, program, capsys):
    """Layers that are the same are run once; energies are fJ a product times products."""
    calls = program("timeloop-model", TIMELOOP)
    status, found = scored(design_folder, "timeloop", capsys)
    assert status == 0 and found["ok"] and found["with"] == "timeloop"
    assert main(["evaluate", str(design_folder), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)["layers"]
    assert [layer["name"] for layer in found["layers"]] == list(MACS)
    for layer, own in zip(found["layers"], ours, strict=True):
        macs = MACS[layer["name"]]
        assert layer["theirs"]["macs"] == layer["ours"]["macs"] == macs
        assert layer["theirs"]["cycles"] == 576
        assert layer["theirs"]["energy_pj"] == macs
        assert layer["theirs"]["utilization"] == macs / (576 * 4)
        assert layer["ours"]["cycles"] == own["cycles"]
        assert layer["ours"]["energy_pj"] == pytest.approx(own["energy_pj"])
    assert len(calls.read_text().splitlines()) == 2


def test_maestro_as_a_table(design_folder, program, capsys):
    program("maestro", MAESTRO)
    assert main(["score", str(design_folder), "--with", "maestro", "--layers", "a,b"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["a", "b"]
    assert "737" in lines[-2] and "2,304" in lines[-2] and "3.9" in lines[-2]


def test_a_missing_program_is_named(design_folder, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["score", str(design_folder), "--with", "timeloop"]) == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "because timeloop-model is not on PATH" in text
    assert main(["score", str(design_folder), "--with", "scale-sim"]) == 2
    assert "--with must be one of timeloop, maestro, not 'scale-sim'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("#!/bin/sh\necho one; echo 'ERROR: no' >&2; exit 3\n", "ended with 3: ERROR: no"),
        ("#!/bin/sh\necho hello\n", "wrote no timeloop-model.stats.txt: hello"),
        (
            "#!/bin/sh\necho Cycles: 5 > timeloop-model.stats.txt\n",
            "its result has no number Computes",
        ),
    ],
)
def test_a_program_that_fails_is_told_by_layer(script, reason, design_folder, program, capsys):
    program("timeloop-model", script)
    status, found = scored(design_folder, "timeloop", capsys, "--layers", "b")
    (layer,) = found["layers"]
    assert status == 1 and layer["theirs"] is None and layer["reason"] == reason
    assert layer["ours"]["macs"] == 128


def test_other_products_than_were_told_are_marked(design_folder, program, capsys):
    program("timeloop-model", TIMELOOP.replace("macs=2304", "macs=2305"))
    status, found = scored(design_folder, "timeloop", capsys)
    assert status == 1 and [layer["ok"] for layer in found["layers"]] == [False, True, False]
    assert main(["score", str(design_folder), "--with", "timeloop"]) == 1
    assert "other MACs" in capsys.readouterr().out


def test_a_program_that_hangs_is_ended_with_what_it_started(
    design_folder, program, tmp_path, capsys
):
    program("timeloop-model", '#!/bin/sh\nsleep 600 &\necho $! > "$NAAS_TEST_CALLS"\nwait\n')
    words = ("--layers", "b", "--timeout", "1")
    status, found = scored(design_folder, "timeloop", capsys, *words)
    assert status == 1 and found["layers"][0]["reason"] == "took more than 1 s"
    stat = Path("/proc", (tmp_path / "calls").read_text().strip(), "stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_edges_are_enlarged_on_demand_and_said(write_design_to, program, tmp_path, capsys):
    """P of 3 by 2 on an axis of rows: told as 4, with products to match."""
    accelerator = """\
version: 1
axes: [{dim: P, size: 2}]
weight_buffer_bytes: 64
input_buffer_bytes: 64
accumulator_words: 32
bank_bytes: 1024
beat_bytes: 8
"""
    network = "version: 1\nname: net\nlayers: [{name: r, K: 8, P: 3, height: 3, width: 1}]\n"
    mapping = "version: 1\nnetwork: net\nlayers: {r: {l2: {K: 8, P: 2}, spatial: {P: 2}}}\n"
    design = write_design_to(
        tmp_path / "d", accelerator=accelerator, network=network, mapping=mapping
    )
    program("timeloop-model", TIMELOOP.replace("macs=2304", "macs=32"))
    status, found = scored(design, "timeloop", capsys)
    assert status == 1
    assert found["layers"][0]["reason"].startswith("P must be a multiple of 2, what the array")
    status, found = scored(design, "timeloop", capsys, "--pad")
    assert status == 0 and found["layers"][0]["told_macs"] == 32
    assert found["layers"][0]["ours"]["macs"] == 24
    assert main(["score", str(design), "--with", "timeloop", "--pad"]) == 0
    assert "enlarged" in capsys.readouterr().out
