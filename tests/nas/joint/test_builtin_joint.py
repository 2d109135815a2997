"""The joint search of `ofa-resnet50` by the ImageNet estimate, tiny, where there is no torch."""

import json
import subprocess
import sys

import pytest

WITHOUT_TORCH = (
    "import sys\n"
    "sys.modules['torch'] = None\n"
    "from naas_hw.cli import main\n"
    "sys.exit(main(sys.argv[1:]))"
)
FLOOR = 78.8


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Run folder and output of one search, in an interpreter that has no torch."""
    run = tmp_path_factory.mktemp("joint") / "run"
    command = ["cosearch", "ofa-resnet50", "--min-accuracy", str(FLOOR)]
    command += ["--budget", "eyeriss", "--population", "2", "--generations", "1"]
    command += ["--evaluations", "1", "--min-legal", "1", "--processes", "1", "-o", str(run)]
    command = [sys.executable, "-c", WITHOUT_TORCH, *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return run, done.stdout


@pytest.mark.takes_seconds
def test_a_network_above_the_floor_is_found_without_torch(found):
    """Every accuracy stands beside the name of its source."""
    run, said = found
    result = json.loads((run / "result.json").read_text())
    joint = result["joint"]
    assert joint["space"] == "ofa-resnet50"
    assert joint["top1_percent"] >= FLOOR
    for part in (joint, *joint["front"]):
        assert part["accuracy"].startswith("optimistic estimate (ImageNet top-1")
    assert f"top-1 {joint['top1_percent']:.2f} %, optimistic estimate" in said
