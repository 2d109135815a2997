"""Where bytes of a tensor lie in its buffer."""

import numpy as np
import pytest

from naas_hw.compiler.descriptor import Pitches
from naas_hw.compiler.images import pack_activations
from naas_hw.compiler.lowering.values import PlacedTensor, View


def test_a_dense_tensor_lies_as_images_are_packed():
    values = np.arange(6 * 2 * 3, dtype=np.int8).reshape(6, 2, 3)
    view = View(buffer="x", offset=0, pitches=Pitches(block=6, row=3))
    placed = PlacedTensor(name="x", shape=(6, 2, 3), view=view, channels=tuple(range(6)))
    assert np.array_equal(pack_activations(values, 4).view(np.int8)[placed.byte_places(4)], values)


def test_channels_pitches_and_offset_say_where_a_byte_is():
    view = View(buffer="x", offset=5, pitches=Pitches(block=100, row=20, pixel=2))
    placed = PlacedTensor(name="x", shape=(2, 2, 3), view=view, channels=(6, 1))
    places = placed.byte_places(4)
    assert placed.num_channels == 7
    assert places[0, 1, 2] == 4 * (5 + 100 + 20 + 2 * 2) + 2
    assert places[1, 0, 0] == 4 * 5 + 1


def test_a_tensor_of_the_host_has_no_places():
    placed = PlacedTensor(name="x", shape=(1, 1, 1), view=None, channels=(0,))
    with pytest.raises(ValueError, match="'x' must lie in a buffer"):
        placed.byte_places(4)
