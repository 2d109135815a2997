"""The bytes of DRAM out of the text that $writememh writes."""

import re

import numpy as np
from numpy.typing import NDArray


def hex_to_image(text: bytes, beat_bytes: int) -> tuple[NDArray[np.uint8], int]:
    r"""The memory that $writememh wrote, and how many of its digits are X or Z (0 in the memory).

    Examples
    --------
    >>> hex_to_image(b"// 0x00000000\n03020100\nxx060504\n", 4)
    (array([0, 1, 2, 3, 4, 5, 6, 0], dtype=uint8), 2)
    """
    if b"/" in text or b"@" in text:
        text = re.sub(rb"(?m)^[/@].*$", b"", text)
    known = text.translate(bytes.maketrans(b"xXzZ", b"0000"))
    unknown = sum(text.count(digit) for digit in (b"x", b"X", b"z", b"Z"))
    return swap_bytes(np.frombuffer(bytes.fromhex(known.decode()), np.uint8), beat_bytes), unknown


def swap_bytes(data: NDArray[np.uint8], beat_bytes: int) -> NDArray[np.uint8]:
    """Every beat with its bytes in reverse: Verilog's order of writing, and back."""
    return np.ascontiguousarray(data.reshape(-1, beat_bytes)[:, ::-1]).reshape(-1)
