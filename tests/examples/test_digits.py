"""The digits run, short: the code that `examples/digits.py` runs."""

import importlib.util
import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def digits():
    """examples/digits.py as a module."""
    spec = importlib.util.spec_from_file_location("naas_digits", EXAMPLES / "digits.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["naas_digits"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.needs("torch")
def test_digits_run(digits):
    """A few epochs: networks differ, the predictor is judged, the ranking is of those asked for."""
    import torch

    torch.set_num_threads(1)
    text = io.StringIO()
    found = digits.study(
        num_epochs=4,
        num_epochs_alone=1,
        num_alone=3,
        num_measured=16,
        seed=0,
        console=Console(file=text, width=200),
    )
    assert found.oracle.accuracies(found.space.largest[None]).top1_percent[0] > 60
    assert found.predictor.num_held_out == 4
    assert len(found.ranking.alone) == 3
    assert text.getvalue().count("s CPU") == 4
    assert "Spearman" in text.getvalue()
