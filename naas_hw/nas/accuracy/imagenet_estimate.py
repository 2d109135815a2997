"""An optimistic estimate of a residual network's ImageNet accuracy, from its size alone.

The points are specialised subnets, each the best of its cost, which is why what is read off them
is an upper bound of sorts: an arbitrary network of that size is less accurate.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracySource, Evidence
from naas_hw.nas.spaces.genes import Encodings
from naas_hw.nas.spaces.space import SlotSpace


@dataclass(frozen=True, kw_only=True)
class PublishedAccuracy:
    """One of the authors' networks: ImageNet top-1, parameters and multiply-accumulates."""

    top1_percent: float
    num_parameters: float
    num_macs: float


def _published(top1_percent: float, millions: float, billions: float) -> PublishedAccuracy:
    return PublishedAccuracy(
        top1_percent=top1_percent, num_parameters=millions * 1e6, num_macs=billions * 1e9
    )


OFA_RESNET50D: Final = (
    _published(79.8, 30.9, 4.1),
    _published(79.7, 26.5, 3.7),
    _published(79.3, 28.7, 3.0),
    _published(79.0, 29.0, 2.4),
    _published(78.3, 20.7, 1.8),
    _published(77.1, 19.3, 1.2),
    _published(76.3, 14.5, 0.9),
    _published(75.0, 9.6, 0.6),
)
"""Source: model zoo of once-for-all networks (github.com/mit-han-lab/once-for-all), OFA-ResNet50D
subnets."""


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The best accuracy at a cost or below it: monotone, linear between its points."""

    costs: NDArray[np.float64]
    top1_percent: NDArray[np.float64]

    def covers(self, costs: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether costs lie in the published range."""
        is_covered: NDArray[np.bool_] = (costs >= self.costs[0]) & (costs <= self.costs[-1])
        return is_covered

    def at(self, costs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Accuracy at costs within the range."""
        return np.interp(costs, self.costs, self.top1_percent)


def upper_envelope(costs: list[float], top1_percent: list[float]) -> Envelope:
    """The envelope of points: at each cost the best accuracy that one up to there has.

    >>> upper_envelope([3, 1, 2], [70, 60, 75]).top1_percent.tolist()
    [60.0, 75.0, 75.0]
    """
    order = np.argsort(costs)
    return Envelope(
        costs=np.array(costs, dtype=np.float64)[order],
        top1_percent=np.maximum.accumulate(np.array(top1_percent, dtype=np.float64)[order]),
    )


@dataclass(frozen=True, kw_only=True)
class ImageNetEstimate:
    """The smaller of the two envelopes, over multiply-accumulates and over parameters.

    An `AccuracyOracle`; needs no torch.
    """

    space: SlotSpace

    @property
    def source(self) -> AccuracySource:
        """An optimistic estimate, always."""
        basis = f"ImageNet top-1, envelope of {len(OFA_RESNET50D)} published OFA-ResNet50D networks"
        return AccuracySource(evidence=Evidence.OPTIMISTIC, basis=basis)

    def covers(self, encodings: Encodings) -> NDArray[np.bool_]:
        """Which networks lie in the published range of both costs."""
        num_macs, num_parameters = self._costs(encodings)
        macs, parameters = _envelopes()
        return macs.covers(num_macs) & parameters.covers(num_parameters)

    def accuracies(self, encodings: Encodings) -> Accuracies:
        """Optimistic estimates.

        Raises
        ------
        InputError : a network lies outside of the published range.
        """
        return Accuracies(top1_percent=estimate_of(*self._costs(encodings)), source=self.source)

    def _costs(self, encodings: Encodings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """[B] multiply-accumulates and [B] parameters."""
        layers = self.space.to_layers(encodings)
        return layers.total(self.space.num_macs), layers.total(self.space.num_parameters)


def estimate_of(
    num_macs: NDArray[np.float64], num_parameters: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Optimistic estimates of ImageNet top-1 in percent, from [B] sizes.

    Raises
    ------
    InputError : a size lies outside of the published range.
    """
    macs, parameters = _envelopes()
    for what, costs, envelope in (
        ("multiply-accumulates", num_macs, macs),
        ("parameters", num_parameters, parameters),
    ):
        outside = costs[~envelope.covers(costs)]
        if len(outside):
            low, high = envelope.costs[[0, -1]]
            raise InputError(
                f"{what} must be {low:.4g} to {high:.4g}, the range of the published networks, "
                f"not {outside[0]:.4g}"
            )
    estimates: NDArray[np.float64] = np.minimum(macs.at(num_macs), parameters.at(num_parameters))
    return estimates


def _envelopes() -> tuple[Envelope, Envelope]:
    """Over multiply-accumulates, over parameters."""
    top1_percent = [network.top1_percent for network in OFA_RESNET50D]
    return (
        upper_envelope([network.num_macs for network in OFA_RESNET50D], top1_percent),
        upper_envelope([network.num_parameters for network in OFA_RESNET50D], top1_percent),
    )
