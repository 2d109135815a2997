"""Accuracies of networks that take their weights out of a supernet."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from naas_hw.nas.accuracy.images import ImageSplit
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracySource, Evidence
from naas_hw.nas.spaces.genes import Encodings

if TYPE_CHECKING:
    from naas_hw.nas.accuracy.supernet import Supernet


@dataclass(frozen=True, kw_only=True)
class SharedWeightsAccuracy:
    """An `AccuracyOracle` that cuts each network out of a supernet and measures it.

    The statistics of its batch norms are those over the training images; a network is measured
    once.
    """

    supernet: "Supernet"
    data: ImageSplit
    _known: dict[bytes, float] = field(default_factory=dict, init=False, repr=False)

    @property
    def source(self) -> AccuracySource:
        """Measured, with shared weights."""
        basis = f"{len(self.data.held_out)} held-out images, shared weights"
        return AccuracySource(evidence=Evidence.MEASURED, basis=basis)

    def covers(self, encodings: Encodings) -> NDArray[np.bool_]:
        """Every network of the space."""
        return np.ones(len(encodings), dtype=np.bool_)

    def accuracies(self, encodings: Encodings) -> Accuracies:
        """Measured accuracies."""
        values = [self._accuracy(encoding) for encoding in encodings]
        return Accuracies(top1_percent=np.array(values), source=self.source)

    def _accuracy(self, encoding: Encodings) -> float:
        from naas_hw.nas.accuracy.trainer import held_out_accuracy

        key = encoding.tobytes()
        if key not in self._known:
            network = self.supernet.subnet(encoding)
            size = self.supernet.space.resolution(encoding)
            self._known[key] = held_out_accuracy(network, self.data, size)
        return self._known[key]
