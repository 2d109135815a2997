"""What tests of commands on run folders share: a small design, as its three files."""

from functools import cache
from pathlib import Path

import pytest

from naas_hw.api import hardware
from naas_hw.cli import main
from naas_hw.sim.hardware import generate

ACCELERATOR = """\
version: 1
name: small
axes:
  - {dim: C, size: 2}
  - {dim: K, size: 2}
weight_buffer_bytes: 64
input_buffer_bytes: 64
accumulator_words: 32
num_banks: 8
bank_bytes: 1024
scale_depth: 64
beat_bytes: 8
dram_latency_cycles: 20
"""
NETWORK = """\
version: 1
name: net
layers:
  - {name: a, K: 4, C: 4, P: 4, Q: 4, R: 3, S: 3, height: 4, width: 4, padding: [1, 1]}
  - {name: b, K: 4, C: 4, P: 2, Q: 4, height: 2, width: 4}
  - {name: again, K: 4, C: 4, P: 4, Q: 4, R: 3, S: 3, height: 4, width: 4, padding: [1, 1]}
"""
MAPPING = """\
version: 1
network: net
layers:
  a:
    pe: {P: 2, Q: 2, R: 3, S: 3}
    spatial: {K: 2, C: 2}
    l2: {K: 2, C: 2, P: 2, Q: 2}
  b:
    pe: {P: 2, Q: 2}
    spatial: {K: 2, C: 2}
    l2: {K: 2, C: 2, Q: 2}
  again:
    pe: {P: 2, Q: 2, R: 3, S: 3}
    spatial: {K: 2, C: 2}
    l2: {K: 2, C: 2, P: 2, Q: 2}
"""

BUDGET = """\
max_pes: 16
on_chip_bytes: 65536
beat_bytes: 8
dram_beat_period_cycles: 1
dram_latency_cycles: 20
"""


def write_design(folder: Path, **changed: str) -> Path:
    """The three files, some with another text."""
    texts = {"accelerator": ACCELERATOR, "network": NETWORK, "mapping": MAPPING, **changed}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def design_folder(tmp_path: Path) -> Path:
    """A folder with a design of three layers, two of which are the same."""
    return write_design(tmp_path / "design")


@pytest.fixture
def write_design_to():
    """`write_design`."""
    return write_design


@pytest.fixture(scope="session")
def short_search(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a search of seconds, for hardware of few PEs."""
    budget = tmp_path_factory.mktemp("budget") / "small.yaml"
    budget.write_text(BUDGET, encoding="utf-8")
    options = "--generations 1 --population 2 --evaluations 32 --processes 1"
    return ["--budget", str(budget), *options.split()]


@pytest.fixture(scope="module")
def run(model, short_search, tmp_path_factory):
    """What a short search made of the `model` of a module."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main(["search", str(model), *short_search, "-o", str(folder)]) == 0
    return folder


_generate_once = cache(generate)


@pytest.fixture
def hardware_once(monkeypatch):
    """Verilog of an accelerator is made once for all tests that ask for this."""
    monkeypatch.setattr(hardware, "generate_hardware", _generate_once)
