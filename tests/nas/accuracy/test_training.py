"""Training: it learns, repeats itself, and says what to install."""

import numpy as np
import pytest

from naas_hw.core import torch_extra
from naas_hw.core.errors import ToolError
from naas_hw.nas.accuracy.images import load_digits, split_images
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracySource, Evidence
from naas_hw.nas.accuracy.shared_weights import SharedWeightsAccuracy
from naas_hw.nas.accuracy.training import RankReport, train_alone, train_supernet
from naas_hw.nas.accuracy.training_settings import TrainingSettings
from naas_hw.nas.spaces.builtin import load_builtin_space

SPACE = load_builtin_space("digits")
DATA = split_images(load_digits(), np.random.default_rng(0), held_out=0.5)


@pytest.mark.needs("torch")
def test_a_supernet_learns_and_repeats_itself():
    """Two epochs: the same weights again from the same seed, and far better than one in ten."""
    import torch

    settings = TrainingSettings(num_epochs=2, seed=1)
    first, second = (train_supernet(SPACE, DATA.train, settings) for _ in range(2))
    for name, parameter in first.whole.named_parameters():
        assert torch.equal(parameter, second.whole.get_parameter(name))
    oracle = SharedWeightsAccuracy(supernet=first, data=DATA)
    measured = oracle.accuracies(np.stack([SPACE.largest, SPACE.smallest]))
    assert measured.source.label == "measured (898 held-out images, shared weights)"
    assert measured.top1_percent[0] > 40
    assert measured.top1_percent[1] > 15


@pytest.mark.needs("torch")
def test_a_network_trained_alone_learns():
    """Two epochs of the smallest."""
    settings = TrainingSettings(num_epochs=2, seed=1)
    found = train_alone(SPACE, SPACE.smallest[np.newaxis], DATA, settings)
    assert found.source.label == "measured (898 held-out images, trained alone, 2 epochs)"
    assert found.top1_percent[0] > 30


def test_rank_report_says_what_is_compared():
    """Two labels, two correlations."""
    values = np.array([50.0, 60, 70, 80])
    report = RankReport(
        oracle=Accuracies(
            top1_percent=values, source=AccuracySource(evidence=Evidence.MEASURED, basis="shared")
        ),
        alone=Accuracies(
            top1_percent=values[[0, 1, 3, 2]],
            source=AccuracySource(evidence=Evidence.MEASURED, basis="alone"),
        ),
    )
    assert report.text == (
        "4 networks, measured (shared) against measured (alone): Spearman 0.80, Kendall 0.67"
    )


def test_without_torch(monkeypatch):
    """The error says what to install."""
    monkeypatch.setattr(torch_extra, "find_spec", lambda _name: None)
    with pytest.raises(ToolError, match=r"to train a supernet: pip install 'naas_hw\[torch\]'"):
        train_supernet(SPACE, DATA.train, TrainingSettings())
