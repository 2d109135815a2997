"""The predictor: learns what is there, says how well, takes measured accuracies only."""

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracySource, Evidence
from naas_hw.nas.accuracy.predictor import fit_gaussian_process, fit_predictor
from naas_hw.nas.spaces.builtin import load_builtin_space

SPACE = load_builtin_space("digits")
MEASURED = AccuracySource(evidence=Evidence.MEASURED, basis="a formula")
SEED = 4


def formula(encodings, noise: float = 0.0, source: AccuracySource = MEASURED) -> Accuracies:
    """70 % and a gain for each gene, some noise."""
    rng = np.random.default_rng(SEED)
    gains = rng.uniform(0, 1, encodings.shape[1])
    values = 70 + encodings @ gains + noise * rng.standard_normal(len(encodings))
    return Accuracies(top1_percent=values, source=source)


def test_it_orders_networks_that_it_has_not_seen():
    """A sum of effects is learned from 120 networks; the label says the correlation."""
    rng = np.random.default_rng(SEED)
    encodings = SPACE.sample(rng, 160)
    predictor = fit_predictor(SPACE, encodings, formula(encodings), rng)
    assert predictor.rank_correlation > 0.95
    assert predictor.num_held_out == 40
    assert predictor.source.evidence is Evidence.PREDICTED
    assert f"rank correlation {predictor.rank_correlation:.2f}" in predictor.source.label


def test_noise_is_not_learned():
    """Accuracies that have nothing to do with the networks give no correlation."""
    rng = np.random.default_rng(SEED)
    encodings = SPACE.sample(rng, 200)
    values = rng.uniform(60, 90, len(encodings))
    measured = Accuracies(top1_percent=values, source=MEASURED)
    assert abs(fit_predictor(SPACE, encodings, measured, rng).rank_correlation) < 0.4


def test_a_smooth_function_is_followed():
    """At the points that it was fitted to, and between them."""
    features = np.linspace(0, 1, 12)[:, np.newaxis]
    values = np.sin(5 * features[:, 0])
    process = fit_gaussian_process(features, values)
    assert process.predict(features) == pytest.approx(values, abs=0.05)
    between = np.array([[0.5 / 11], [5.5 / 11]])
    assert process.predict(between) == pytest.approx(np.sin(5 * between[:, 0]), abs=0.05)


def test_only_measured_accuracies_are_fitted():
    """Estimates never become predictions."""
    rng = np.random.default_rng(SEED)
    encodings = SPACE.sample(rng, 20)
    estimate = AccuracySource(evidence=Evidence.OPTIMISTIC, basis="an envelope")
    with pytest.raises(InputError) as caught:
        fit_predictor(SPACE, encodings, formula(encodings, source=estimate), rng)
    assert str(caught.value) == (
        "a predictor must be fitted to measured accuracies, "
        "not to optimistic estimate (an envelope)"
    )


def test_too_few_networks():
    """Eight at least."""
    rng = np.random.default_rng(SEED)
    encodings = SPACE.sample(rng, 7)
    with pytest.raises(InputError, match="at least 8 networks, not 7"):
        fit_predictor(SPACE, encodings, formula(encodings), rng)
