"""The fewest banks that a layer needs are never more than a legal mapping has.

The number is exact where one loop may be split and another may not.
"""

import numpy as np
import pytest
from small_cases import random_case

from naas_hw.mapping.bank_need import fewest_banks
from naas_hw.workload.layer import Layer

LAYER = Layer(name="l", K=16, C=16, P=8, Q=8, height=8, width=8)


def test_no_legal_mapping_has_fewer():
    """The bound holds for random legal triples."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        case = random_case(rng)
        accelerator = case.accelerator
        need = fewest_banks(
            case.layer, bank_words=accelerator.bank_words, beat_bytes=accelerator.beat_bytes
        )
        used = sum(num * buffers for _, num, buffers in case.geometry.bank_allocation)
        assert need <= used <= accelerator.num_banks, case


@pytest.mark.parametrize(
    ("bank_words", "banks"),
    [
        (128, 3),  # 32 words of weights, 128 of inputs and of outputs: all lie in one bank each
        (127, 5),  # inputs and outputs twice, a row of them at a time
        (8, 6),  # all weights would take four banks: a block of K by a block of C, twice
        (4, 8),  # that block takes two banks, twice
    ],
)
def test_with_fewer_banks_fewer_loops_can_be_split(bank_words, banks):
    """Beats of 8 bytes: 16 x 16 weights are 32 words, 64 pixels of two blocks 128."""
    assert fewest_banks(LAYER, bank_words=bank_words, beat_bytes=8) == banks
