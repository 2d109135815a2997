"""The few accelerators that random networks run on: all options, arrays and beats that differ."""

from math import prod
from typing import Final

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.sim.random_numbers import Generator, log_uniform, stratified
from naas_hw.verify.coverage import BEATS
from naas_hw.workload.layer import Dim
from naas_hw.workload.option import Option

MAX_DESIGNS: Final = 6
"""Accelerators of a run: a simulator builds each, which takes longer than most networks."""

ARRAYS: Final[tuple[tuple[Dim, ...], ...]] = (
    ("K", "C"),
    ("C", "K", "P"),
    ("P", "Q", "K"),
    ("Q", "C"),
    ("R", "K"),
    ("K", "S", "C"),
)
"""Dims of the axes; a run takes them in turn."""

_MOST_PES: Final = 48
_SIZES: Final = (2, 3, 4, 5, 8, 12)
_BANK_BYTES: Final = (1024, 4096)
_BANKS: Final = (16, 28)


def draw_designs(count: int, rng: Generator) -> list[Accelerator]:
    """Accelerators with all options, with room for the layers of small networks."""
    beats = stratified(rng, BEATS, count)
    arrays = stratified(rng, ARRAYS, count)
    return [_design(dims, beat, rng) for dims, beat in zip(arrays, beats, strict=True)]


def _design(dims: tuple[Dim, ...], beat_bytes: int, rng: Generator) -> Accelerator:
    axes = _axes(dims, rng)
    lanes = {
        "weight_lanes": int(rng.choice((1, 2, 4))),
        "input_lanes": int(rng.choice((1, 2, 4))),
    }
    probe = Accelerator(
        axes=axes,
        beat_bytes=beat_bytes,
        weight_buffer_bytes=8,
        input_buffer_bytes=8,
        accumulator_words=64,
        bank_bytes=64,
        **lanes,
    )
    return Accelerator(
        axes=axes,
        beat_bytes=beat_bytes,
        weight_buffer_bytes=2 * probe.weight_word_bytes * log_uniform(rng, 32, 200),
        input_buffer_bytes=2 * probe.input_word_bytes * log_uniform(rng, 32, 200),
        accumulator_words=2 * probe.accumulator_lanes * log_uniform(rng, 16, 100),
        num_banks=int(rng.integers(_BANKS[0], _BANKS[1] + 1)),
        bank_bytes=beat_bytes * log_uniform(rng, *(size // beat_bytes for size in _BANK_BYTES)),
        **lanes,
    ).with_options(Option)


def _axes(dims: tuple[Dim, ...], rng: Generator) -> tuple[Axis, ...]:
    while True:
        sizes = [int(rng.choice(_SIZES)) for _ in dims]
        if prod(sizes) <= _MOST_PES:
            return tuple(Axis(dim=dim, size=n) for dim, n in zip(dims, sizes, strict=True))
