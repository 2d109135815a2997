"""The optimistic estimate: two envelopes, the smaller one, in the published range only."""

import numpy as np
import pytest

from naas_hw.core import torch_extra
from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.imagenet_estimate import OFA_RESNET50D, ImageNetEstimate, upper_envelope
from naas_hw.nas.accuracy.oracle import Evidence
from naas_hw.nas.spaces.builtin import OFA_RESNET50

SPACE = OFA_RESNET50.space()
ESTIMATE = ImageNetEstimate(space=SPACE)


def sample(count: int):
    return SPACE.sample(np.random.default_rng(3), count)


def costs_of(encoding) -> tuple[int, int]:
    """Multiply-accumulates and parameters of a network."""
    network = SPACE.network(encoding)
    assert network.num_parameters is not None
    return network.num_macs, network.num_parameters


def best_up_to(cost: float, attribute: str) -> tuple[float, float]:
    """The best published accuracy at a cost or less, and at the next published cost or less."""
    costs = sorted(getattr(point, attribute) for point in OFA_RESNET50D)
    following = min(other for other in costs if other >= cost)

    def best(limit):
        return max(p.top1_percent for p in OFA_RESNET50D if getattr(p, attribute) <= limit)

    return best(cost), best(following)


def test_estimates_lie_between_published_points():
    """For both costs: not under the better of the best up to here, not over the next one's."""
    encodings = sample(300)
    encodings = encodings[ESTIMATE.covers(encodings)]
    assert len(encodings) > 30
    estimates = ESTIMATE.accuracies(encodings).top1_percent
    for encoding, estimate in zip(encodings, estimates, strict=True):
        num_macs, num_parameters = costs_of(encoding)
        by_macs = best_up_to(num_macs, "num_macs")
        by_parameters = best_up_to(num_parameters, "num_parameters")
        assert min(by_macs[0], by_parameters[0]) <= estimate <= min(by_macs[1], by_parameters[1])


@pytest.mark.parametrize("attribute", ["num_macs", "num_parameters"])
def test_envelope_is_monotone_and_over_every_point(attribute):
    """Published points that another one beats for less lie under it."""
    costs = [getattr(point, attribute) for point in OFA_RESNET50D]
    accuracies = [point.top1_percent for point in OFA_RESNET50D]
    envelope = upper_envelope(costs, accuracies)
    assert (np.diff(envelope.at(np.linspace(min(costs), max(costs), 500))) >= 0).all()
    assert (envelope.at(np.array(costs)) >= np.array(accuracies)).all()
    assert set(envelope.top1_percent) <= set(accuracies)


def test_its_figures_are_called_optimistic():
    """In every label."""
    accuracies = ESTIMATE.accuracies(sample(100)[ESTIMATE.covers(sample(100))])
    assert accuracies.source.evidence is Evidence.OPTIMISTIC
    assert accuracies.source.label.startswith("optimistic estimate (ImageNet top-1")


def test_outside_of_the_published_range_is_an_error():
    """The largest network has more of both than any published one."""
    assert not ESTIMATE.covers(SPACE.largest[np.newaxis])[0]
    with pytest.raises(InputError, match=r"multiply-accumulates must be 6e\+08 to 4.1e\+09, the"):
        ESTIMATE.accuracies(SPACE.largest[np.newaxis])


def test_covers_says_what_accuracies_takes():
    """Both costs in range, and only then."""
    encodings = sample(200)
    expected = [
        6e8 <= num_macs <= 4.1e9 and 9.6e6 <= num_parameters <= 30.9e6
        for num_macs, num_parameters in map(costs_of, encodings)
    ]
    assert ESTIMATE.covers(encodings).tolist() == expected


def test_it_needs_no_torch(monkeypatch):
    """As the search on a machine without it."""
    monkeypatch.setattr(torch_extra, "find_spec", lambda _name: None)
    covered = sample(100)[ESTIMATE.covers(sample(100))]
    assert len(ESTIMATE.accuracies(covered)) == len(covered)
