"""Labelled images, and which of them train, choose and judge a network."""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError, ToolError


@dataclass(frozen=True, kw_only=True)
class LabelledImages:
    """Images and their classes.

    Parameters
    ----------
    images : [N, channels, rows, columns] float32.
    labels : [N] int64, from 0.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[2] != self.images.shape[3]:
            raise InputError(
                f"images must have the shape N, channels, rows, rows, not {self.images.shape}"
            )
        if self.labels.shape != self.images.shape[:1]:
            raise InputError(
                f"labels must be one for each of {len(self.images)} images, "
                f"not of the shape {self.labels.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.int64]) -> "LabelledImages":
        """Some of them."""
        return LabelledImages(images=self.images[chosen], labels=self.labels[chosen])


@dataclass(frozen=True, kw_only=True)
class ImageSplit:
    """Images to train on, and others, held out, to measure accuracies on."""

    train: LabelledImages
    held_out: LabelledImages


def split_images(
    images: LabelledImages, rng: np.random.Generator, *, held_out: float = 0.3
) -> ImageSplit:
    """A random share of the images held out."""
    order = rng.permutation(len(images))
    num_held_out = round(held_out * len(images))
    return ImageSplit(
        train=images.take(order[num_held_out:]), held_out=images.take(order[:num_held_out])
    )


def load_digits() -> LabelledImages:
    """scikit-learn's 1797 handwritten digits, 8 x 8, grey levels 0 to 1.

    Raises
    ------
    ToolError : scikit-learn is not installed.
    """
    if find_spec("sklearn") is None:
        raise ToolError(
            "scikit-learn must be installed for the digits: pip install 'naas_hw[digits]'"
        )
    from sklearn import datasets

    digits = datasets.load_digits()
    return LabelledImages(
        images=(digits.images[:, np.newaxis] / 16).astype(np.float32),
        labels=digits.target.astype(np.int64),
    )
