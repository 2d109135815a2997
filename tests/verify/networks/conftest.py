"""A small accelerator with all options."""

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.workload.option import Option


@pytest.fixture(scope="session")
def design() -> Accelerator:
    return Accelerator(
        axes=(Axis(dim="K", size=4), Axis(dim="C", size=2)),
        weight_buffer_bytes=128,
        input_buffer_bytes=128,
        accumulator_words=128,
        num_banks=16,
        bank_bytes=1024,
        beat_bytes=4,
        dram_latency_cycles=5,
    ).with_options(Option)
