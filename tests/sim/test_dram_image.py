"""The text of a memory holds its bytes in Verilog's order."""

import numpy as np
import pytest

from naas_hw.sim.dram_image import hex_to_image, image_to_hex


@pytest.mark.parametrize("beat_bytes", [4, 8, 16, 32])
def test_image_text_round_trip(beat_bytes: int) -> None:
    """What is written for $readmemh reads back; byte 0 is the least significant of its line."""
    data = np.random.default_rng(0).integers(0, 256, 10 * beat_bytes, dtype=np.uint8)
    text = image_to_hex(data, beat_bytes)
    first = int.from_bytes(data[:beat_bytes].tobytes(), "little")
    assert int(text.split()[0], 16) == first
    assert hex_to_image(text, beat_bytes)[0].tolist() == data.tolist()
