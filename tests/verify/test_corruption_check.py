"""Corrupted descriptors: none hangs, writes beyond its range, or is wrong without a word."""

import json
import zlib
from collections.abc import Sequence

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.compiler.fields import LAYOUT, FieldSpec
from naas_hw.compiler.layout import CHECKSUM_BYTES, DescriptorLayout, descriptor_beats, layout_of
from naas_hw.compiler.program import LayerTask, build_program
from naas_hw.mapping.mapping import Mapping
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.corruption import CorruptionKind, draw_corruption
from naas_hw.verify.corruption_check import verify_corrupt
from naas_hw.verify.corruption_report import FORBIDDEN, CorruptionOutcome, corrupt_json
from naas_hw.workload.arithmetic.quantise import random_quantised_layer
from naas_hw.workload.layer import Layer
from naas_hw.workload.option import Option

BEATS = (4, 8, 16, 32)


def fields(seed: int, specs: Sequence[FieldSpec] = LAYOUT) -> dict[str, int | tuple[int, ...]]:
    """Values that fit."""
    rng = np.random.default_rng(seed)
    found: dict[str, int | tuple[int, ...]] = {}
    for spec in specs:
        most = 1 << (spec.width - spec.signed)
        entries = tuple(int(rng.integers(most)) for _ in range(spec.count))
        found[spec.name] = entries if spec.count > 1 else entries[0]
    return found


@pytest.mark.parametrize("beat_bytes", BEATS)
def test_an_entry_stands_where_its_place_says(beat_bytes: int) -> None:
    layout = DescriptorLayout(beat_bytes=beat_bytes, options=frozenset(Option))
    values = fields(beat_bytes)
    word = int.from_bytes(layout.pack(values), "little")
    seen = 0
    for place in layout.entry_places():
        value = values[place.name]
        entry = value[place.index] if isinstance(value, tuple) else value
        assert word >> place.bit & ((1 << place.width) - 1) == entry, place
        seen += place.width
    assert seen == sum(spec.width * spec.count for spec in LAYOUT)


@pytest.mark.parametrize("beat_bytes", BEATS)
def test_the_checksum_is_that_of_zlib_and_stands_last(beat_bytes: int) -> None:
    narrow = Accelerator(
        axes=(Axis(dim="K", size=2),),
        weight_buffer_bytes=64,
        input_buffer_bytes=64,
        accumulator_words=64,
        bank_bytes=1024,
        beat_bytes=beat_bytes,
    )
    layout = layout_of(narrow)
    packed = layout.pack(fields(0, layout.fields))
    assert len(packed) == descriptor_beats(narrow) * beat_bytes
    checksum = zlib.crc32(packed[:-CHECKSUM_BYTES])
    assert packed[-CHECKSUM_BYTES:] == checksum.to_bytes(CHECKSUM_BYTES, "little")


@pytest.mark.parametrize("is_mended", [True, False])
def test_a_corruption_says_something_else(is_mended: bool) -> None:
    """And its checksum is right only where it is to be."""
    layout = DescriptorLayout(beat_bytes=8)
    packed = layout.pack(fields(1))
    rng = np.random.default_rng(1)
    kinds = set()
    for _ in range(200):
        found = draw_corruption(packed, layout, rng, is_mended=is_mended)
        content, checksum = found.descriptor[:-CHECKSUM_BYTES], found.descriptor[-CHECKSUM_BYTES:]
        is_right = checksum == zlib.crc32(content).to_bytes(CHECKSUM_BYTES, "little")
        assert len(found.descriptor) == len(packed)
        assert found.descriptor != packed
        assert is_right == is_mended
        kinds.add(found.kind)
    assert kinds == set(CorruptionKind)


def test_what_the_accelerator_writes_stands_in_pages_of_its_own() -> None:
    """So a range of whole pages keeps everything else from it, in a list of layers too."""
    accelerator = Accelerator(
        axes=(Axis(dim="K", size=2),),
        weight_buffer_bytes=64,
        input_buffer_bytes=64,
        accumulator_words=64,
        bank_bytes=1024,
        beat_bytes=8,
    )
    layer = Layer(name="a", K=4, C=2, P=3, Q=3, height=3, width=3)
    mapping = Mapping.model_validate({"l2": {"K": 2, "Q": 3, "C": 2}, "spatial": {"K": 2}})
    tasks = [
        LayerTask(
            layer=layer,
            mapping=mapping,
            tensors=random_quantised_layer(layer, np.random.default_rng(seed)),
        )
        for seed in range(3)
    ]
    program = build_program(accelerator, tasks, identity=1)
    first, end = program.writable
    assert first % 4096 == end % 4096 == 0
    for regions in program.regions:
        for name, (begin, behind) in regions.items():
            inside = first <= begin and behind <= end
            outside = behind <= first or begin >= end
            assert inside if name in ("outputs", "sums") else outside, name


@pytest.mark.sim
@pytest.mark.parametrize("number", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_corrupted_descriptors_do_no_harm(number: int) -> None:
    report = verify_corrupt(number, 3, simulator=find_simulator("verilator"))
    assert len(report.results) == number
    assert {result.index for result in report.results} == set(range(number))
    assert [result for result in report.results if not result.ok] == []
    assert sum(report.counts.values()) == number
    assert not any(report.counts[outcome] for outcome in FORBIDDEN)
    refused = report.counts[CorruptionOutcome.REFUSED]
    assert refused >= number // 2, "a wrong checksum is always refused"
    facts = json.loads(corrupt_json(report))
    assert facts["cases"] == sum(facts["coverage"].values()) == number
    for name in ("failed", "hung", "max_cycle_difference", "max_count_difference"):
        assert facts[name] == 0
    assert facts["output_mismatches"] == 0
    assert {outcome.value for outcome in CorruptionOutcome} < facts.keys()
    assert report.counts[CorruptionOutcome.HARMLESS] + report.counts[CorruptionOutcome.TOLD] > 0
