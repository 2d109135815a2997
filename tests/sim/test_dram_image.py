"""The text of a memory holds its bytes in Verilog's order."""

import numpy as np
import pytest

from naas_hw.sim.dram_image import hex_to_image


@pytest.mark.parametrize("beat_bytes", [4, 8, 16, 32])
def test_the_last_two_digits_of_a_line_are_byte_0(beat_bytes: int) -> None:
    """$writememh writes a beat a line, as one number with byte 0 least significant."""
    beats = np.random.default_rng(0).integers(0, 256, (10, beat_bytes), dtype=np.uint8)
    numbers = [int.from_bytes(beat.tobytes(), "little") for beat in beats]
    text = "".join(f"{number:0{2 * beat_bytes}x}\n" for number in numbers).encode()
    image, num_unknown = hex_to_image(text, beat_bytes)
    assert (image.tolist(), num_unknown) == (beats.ravel().tolist(), 0)
