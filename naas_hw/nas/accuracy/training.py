"""Training a supernet, training networks alone, and what the one says of the other.

torch is imported in the functions only.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from naas_hw.core.torch_extra import require_torch
from naas_hw.nas.accuracy.correlation import kendall, spearman
from naas_hw.nas.accuracy.images import ImageSplit, LabelledImages
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracyOracle, AccuracySource, Evidence
from naas_hw.nas.accuracy.training_settings import TrainingSettings
from naas_hw.nas.spaces.genes import Encodings
from naas_hw.nas.spaces.space import TrainableSpace

if TYPE_CHECKING:
    from naas_hw.nas.accuracy.supernet import Supernet


def train_supernet(
    space: TrainableSpace, images: LabelledImages, settings: TrainingSettings
) -> "Supernet":
    """A supernet trained by the sandwich rule.

    For each batch the gradients of the largest, the smallest and a few random networks are added,
    all at one random resolution. The largest learns the labels, the others the mean of the labels
    and of what the largest says (in-place distillation).

    Notes
    -----
    Yu and Huang, Universally Slimmable Networks (ICCV 2019), section 3; with elastic depth,
    expansion and resolution as in Once-for-All. Theirs learn from the largest alone: with few
    images it is not right long enough before they are done.

    Raises
    ------
    ToolError : torch is not installed.
    """
    require_torch("to train a supernet")
    from naas_hw.nas.accuracy.trainer import fit_shared

    return fit_shared(space, images, settings)


def train_alone(
    space: TrainableSpace, encodings: Encodings, data: ImageSplit, settings: TrainingSettings
) -> Accuracies:
    """Accuracies [B] of networks that are each trained from scratch, with the same settings.

    Raises
    ------
    ToolError : torch is not installed.
    """
    require_torch("to train a network")
    from naas_hw.nas.accuracy.trainer import fit_alone

    values = [fit_alone(space, encoding, data, settings) for encoding in encodings]
    basis = f"{len(data.held_out)} held-out images, trained alone, {settings.num_epochs} epochs"
    source = AccuracySource(evidence=Evidence.MEASURED, basis=basis)
    return Accuracies(top1_percent=np.array(values), source=source)


@dataclass(frozen=True, kw_only=True)
class RankReport:
    """How well an oracle orders networks that were also trained alone."""

    oracle: Accuracies
    alone: Accuracies

    @property
    def spearman(self) -> float:
        """Correlation of the ranks."""
        return spearman(self.oracle.top1_percent, self.alone.top1_percent)

    @property
    def kendall(self) -> float:
        """Kendall's tau-b."""
        return kendall(self.oracle.top1_percent, self.alone.top1_percent)

    @property
    def text(self) -> str:
        """In a line."""
        return (
            f"{len(self.alone)} networks, {self.oracle.source.label} against "
            f"{self.alone.source.label}: Spearman {self.spearman:.2f}, Kendall {self.kendall:.2f}"
        )


def compare_with_alone(
    space: TrainableSpace,
    oracle: AccuracyOracle,
    encodings: Encodings,
    data: ImageSplit,
    settings: TrainingSettings,
) -> RankReport:
    """Ask an oracle about networks, and train each of them alone."""
    return RankReport(
        oracle=oracle.accuracies(encodings),
        alone=train_alone(space, encodings, data, settings),
    )
