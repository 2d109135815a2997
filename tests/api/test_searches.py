"""Searches that write a run: what one that fails says, and what it leaves."""

from pathlib import Path

import pytest

from naas_hw import api
from naas_hw.arch.budget import Budget
from naas_hw.core.errors import InputError
from naas_hw.search import SearchSettings
from naas_hw.search.accelerator import proposals
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

BUDGET = Budget(name="few-banks", max_pes=8, on_chip_bytes=16384, beat_bytes=4, num_banks=6)
RESIDUAL = Layer(name="sum", K=8, C=8, P=16, Q=16, height=16, width=16, residual=True)
SETTINGS = SearchSettings(generations=1, population=2, mapping_evaluations=20)


@pytest.mark.parametrize("files", [{}, {"model.onnx": b"a model"}])
def test_a_search_that_fails_says_why_and_leaves_no_history(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposals, "MAX_INVALID", 20)
    network = Network(name="net", layers=(RESIDUAL,))
    kept = api.RunSettings(folder=tmp_path / "run", files=files)
    with pytest.raises(InputError, match="had none for sum: .* banks"):
        api.search([network], BUDGET, SETTINGS, run=kept)
    assert not (tmp_path / "run" / "history.sqlite").exists()
