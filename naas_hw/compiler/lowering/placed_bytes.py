"""The bytes of a tensor as they lie in its buffer."""

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.lowering.values import PlacedTensor

Bytes = NDArray[np.int8]
Image = NDArray[np.int8]


def pack_image(tensor: PlacedTensor, image: Image, fill: int, beat_bytes: int) -> Bytes:
    """The bytes from the first beat of a tensor to its last.

    Parameters
    ----------
    image : int8 [C, H, W].
    fill : of bytes that no number is; a folded image has some that a layer reads, and they must be
        its zero point.
    """
    first, end = tensor.beat_range(beat_bytes)
    packed = np.full((end - first) * beat_bytes, fill, np.int8)
    packed[tensor.byte_places(beat_bytes) - first * beat_bytes] = image
    return packed
