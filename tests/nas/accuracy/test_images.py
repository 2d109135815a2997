"""Images: shapes are checked, splits do not overlap."""

import numpy as np
import pytest

from naas_hw.core.errors import InputError, ToolError
from naas_hw.nas.accuracy import images as module
from naas_hw.nas.accuracy.images import LabelledImages, load_digits, split_images


def labelled(count: int) -> LabelledImages:
    """Image i is all i."""
    numbers = np.arange(count)
    pixels = np.broadcast_to(numbers[:, None, None, None], (count, 1, 4, 4))
    return LabelledImages(images=pixels.astype(np.float32), labels=numbers)


def test_split_parts_do_not_overlap():
    """And together are all, each with its label."""
    split = split_images(labelled(50), np.random.default_rng(0), held_out=0.3)
    train, held_out = set(split.train.labels.tolist()), set(split.held_out.labels.tolist())
    assert (len(train), len(held_out)) == (35, 15)
    assert train | held_out == set(range(50))
    assert (split.train.images[:, 0, 0, 0] == split.train.labels).all()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ((5, 1, 8), 5, "images must have the shape N, channels, rows, rows, not .5, 1, 8."),
        ((5, 1, 8, 6), 5, "images must have the shape N, channels, rows, rows, not .5, 1, 8, 6."),
        ((5, 1, 8, 8), 4, "labels must be one for each of 5 images, not of the shape .4,."),
    ],
)
def test_wrong_shapes(images, labels, message):
    """One sentence."""
    with pytest.raises(InputError, match=message):
        LabelledImages(
            images=np.zeros(images, dtype=np.float32), labels=np.zeros(labels, dtype=np.int64)
        )


def test_digits_are_grey_levels():
    """1797 of ten classes, 8 x 8, 0 to 1."""
    digits = load_digits()
    assert digits.images.shape == (1797, 1, 8, 8)
    assert (digits.images.min(), digits.images.max()) == (0, 1)
    assert set(digits.labels.tolist()) == set(range(10))


def test_without_scikit_learn(monkeypatch):
    """The error says what to install."""
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(ToolError) as caught:
        load_digits()
    assert str(caught.value) == (
        "scikit-learn must be installed for the digits: pip install 'naas_hw[digits]'"
    )
