"""Random accelerators of every shape, with buffers of every size."""

from collections import Counter
from math import prod
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.mapping.geometry import ceil_div
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.sim.random_numbers import Generator, log_uniform, stratified
from naas_hw.verify.coverage import BEATS, SUM_WORDS, Size
from naas_hw.workload.layer import DIMS, Dim, Layer
from naas_hw.workload.option import Option

SMALLEST_LAYER: Final = Layer(name="layer", K=1, height=1, width=1)
MAX_PES: Final = 256
LARGEST_PES: Final = 1024
_FEW_PES: Final = (1, MAX_PES)
_MANY_PES: Final = (64, MAX_PES)
_PES: Final[dict[Size, tuple[tuple[int, int], ...]]] = {
    Size.SMALL: (_MANY_PES, _FEW_PES, _FEW_PES, _FEW_PES, _FEW_PES),
    Size.LARGE: (
        (LARGEST_PES, LARGEST_PES),
        (MAX_PES + 1, LARGEST_PES),
        (64, LARGEST_PES),
        _FEW_PES,
        _FEW_PES,
    ),
}
"""Least and most PEs of accelerators in turn."""

_OPTIONS: Final[tuple[tuple[Option, ...], ...]] = (
    tuple(Option),
    (),
    (Option.RESIDUAL, Option.TABLE),
    (Option.TABLE, Option.MAXIMUM),
    (Option.RESIDUAL, Option.SINGLE_ROUNDING),
)
"""Optional hardware of accelerators in turn."""


def stratified_accelerators(
    count: int, rng: Generator, rejections: Counter[str], size: Size = Size.SMALL
) -> list[Accelerator]:
    """Accelerators among which every dim, beat, number of axes and option comes up.

    Of large ones two of five have 64 to 1,024 PEs, and one of five 1,024.
    """
    beats = stratified(rng, BEATS, count)
    numbers = stratified(rng, (2, 1, 3, 2, 3), count)
    dims = stratified(rng, DIMS, count)
    many = stratified(rng, _PES[size], count)
    accelerators = []
    needs_pair = True
    for beat, number, dim, (least, most) in zip(beats, numbers, dims, many, strict=True):
        pair = needs_pair and number > 1 and dim in ("R", "P")
        needs_pair &= not pair
        accelerators.append(
            random_accelerator(
                rng,
                rejections,
                beat_bytes=beat,
                num_axes=number,
                dims=frozenset(("R", "P")) if pair else frozenset((dim,)),
                min_pes=least,
                max_pes=most,
            )
        )
    options = stratified(rng.spawn(1)[0], _OPTIONS, count)
    words = _words_for(accelerators, stratified(rng.spawn(1)[0], SUM_WORDS, count))
    return [
        _with_options(with_drain(accelerator, number), these)
        for accelerator, these, number in zip(accelerators, options, words, strict=True)
    ]


def _words_for(accelerators: list[Accelerator], words: list[int]) -> list[int]:
    """The words, in an order in which some accelerator moves the sums of a beat in parts."""
    able = [i for i, found in enumerate(accelerators) if moves_parts(with_drain(found, 2))]
    wide = [i for i, number in enumerate(words) if number > 1]
    if able and wide and not set(able) & set(wide):
        words[able[0]], words[wide[0]] = words[wide[0]], words[able[0]]
    return words


def moves_parts(accelerator: Accelerator) -> bool:
    """Whether the partial sums of a beat can fill more than one word."""
    lanes = accelerator.drain_group if accelerator.has("K") else accelerator.drain_lanes
    return lanes > accelerator.sum_lanes


def with_drain(accelerator: Accelerator, sum_words: int) -> Accelerator:
    """The accelerator with a drain of so many words of sums; memories become whole words of it."""
    lanes = accelerator.sum_lanes * sum_words
    each = 1 if accelerator.has("K") else 2 * lanes
    return Accelerator.model_validate(
        accelerator.model_dump()
        | {
            "drain_lanes": lanes,
            "accumulator_words": ceil_div(accelerator.accumulator_words, each) * each,
            "scale_depth": ceil_div(accelerator.scale_depth, lanes) * lanes,
        }
    )


def _with_options(accelerator: Accelerator, options: tuple[Option, ...]) -> Accelerator:
    """The accelerator with these options, but for a residual that it has no room for."""
    equipped = accelerator.with_options(options)
    layer = SMALLEST_LAYER.model_copy(update={"residual": equipped.residual})
    if violations(equipped, layer, Mapping()):
        return equipped.model_copy(update={"residual": False})
    return equipped


def random_accelerator(
    rng: Generator,
    rejections: Counter[str],
    *,
    beat_bytes: int,
    num_axes: int,
    dims: frozenset[Dim] = frozenset(),
    min_pes: int = 1,
    max_pes: int = MAX_PES,
) -> Accelerator:
    """An accelerator of so many PEs with these dims parallel, and buffers of any size.

    One whose buffers are too small for the smallest layer is rejected for capacity.
    """
    while True:
        accelerator = _random_accelerator(
            rng,
            rejections,
            beat_bytes=beat_bytes,
            num_axes=num_axes,
            dims=dims,
            pes=(min_pes, max_pes),
        )
        broken = violations(accelerator, SMALLEST_LAYER, Mapping())
        if not broken:
            return accelerator
        rejections.update({violation.rule.value for violation in broken})


def _random_accelerator(
    rng: Generator,
    rejections: Counter[str],
    *,
    beat_bytes: int,
    num_axes: int,
    dims: frozenset[Dim],
    pes: tuple[int, int],
) -> Accelerator:
    axes = _random_axes(rng, rejections, num_axes, dims, pes)
    lanes = {
        "weight_lanes": int(rng.choice((1, 2, 4))),
        "input_lanes": int(rng.choice((1, 2, 4))),
    }
    probe = Accelerator(
        axes=axes,
        weight_buffer_bytes=8,
        input_buffer_bytes=8,
        accumulator_words=64,
        bank_bytes=64,
        scale_depth=64,
        beat_bytes=beat_bytes,
        **lanes,
    )
    lanes_of_scales = probe.sum_lanes
    return Accelerator(
        axes=axes,
        beat_bytes=beat_bytes,
        weight_buffer_bytes=2 * probe.weight_word_bytes * log_uniform(rng, 1, 400),
        input_buffer_bytes=2 * probe.input_word_bytes * log_uniform(rng, 1, 400),
        accumulator_words=2 * probe.accumulator_lanes * log_uniform(rng, 1, 200),
        num_banks=log_uniform(rng, 3, 32),
        bank_bytes=beat_bytes * log_uniform(rng, 64 // beat_bytes, 1000),
        scale_depth=lanes_of_scales * log_uniform(rng, ceil_div(8, lanes_of_scales), 200),
        **lanes,
    )


def _random_axes(
    rng: Generator,
    rejections: Counter[str],
    num_axes: int,
    dims: frozenset[Dim],
    pes: tuple[int, int],
) -> tuple[Axis, ...]:
    while True:
        drawn = [DIMS[i] for i in rng.integers(len(DIMS), size=num_axes)]
        if len(set(drawn)) < num_axes:
            rejections["repeated"] += 1
            continue
        sizes = _random_sizes(rng, num_axes, pes)
        wished = all(dim in drawn and sizes[drawn.index(dim)] > 1 for dim in dims)
        if wished and pes[0] <= prod(sizes) <= pes[1]:
            return tuple(Axis(dim=d, size=s) for d, s in zip(drawn, sizes, strict=True))


def _random_sizes(rng: Generator, num_axes: int, pes: tuple[int, int]) -> list[int]:
    least, most = pes
    if least == most:
        cuts = np.sort(rng.choice(np.arange(1, most.bit_length() - 1), num_axes - 1, replace=False))
        return [1 << int(bits) for bits in np.diff([0, *cuts, most.bit_length() - 1])]
    return [log_uniform(rng, 1, _largest_axis(rng, pes, num_axes)) for _ in range(num_axes)]


def _largest_axis(rng: Generator, pes: tuple[int, int], num_axes: int) -> int:
    least, most = pes
    if most > MAX_PES:
        return {1: most, 2: 128, 3: 32}[num_axes]
    if least > 1:
        return 120 if num_axes == 1 else 24
    return int(rng.choice((4, 8, 16)))
