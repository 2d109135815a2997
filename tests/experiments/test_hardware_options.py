"""Variants of an accelerator: one change each, and what it adds."""

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import Resources, find_part
from naas_hw.arch.files import find_accelerator
from naas_hw.experiments.hardware_options import options_markdown, synthesise_variants, variants
from naas_hw.workload.option import Option

CK8X8 = find_accelerator("examples/ck8x8.yaml")


def differences(one: Accelerator, other: Accelerator) -> dict[str, object]:
    mine, theirs = one.model_dump(), other.model_dump()
    return {name: mine.get(name) for name in mine | theirs if mine.get(name) != theirs.get(name)}


def test_each_variant_but_the_last_has_one_change():
    (_, plain), *others, (_, whole) = variants(CK8X8)
    assert plain.drain_lanes * 4 == plain.beat_bytes and not plain.options
    changed = [differences(variant, plain) for _, variant in others]
    assert changed[:2] == [{"drain_lanes": 4}, {"drain_lanes": 8}]
    assert changed[2:] == [{option.value: True} for option in Option]
    assert whole.options == frozenset(Option) and whole.drain_lanes == whole.beat_bytes


def test_rows_say_what_is_added_to_the_first():
    told: list[str] = []

    def synthesise(variant: Accelerator) -> Resources:
        lut4 = 6400 + 64 * len(variant.options) + variant.drain_lanes
        return Resources(lut4=lut4, ff=10 * variant.drain_lanes, dsp=70, block_ram=9)

    synthesised = synthesise_variants(CK8X8, synthesise, told.append)
    text = options_markdown(synthesised, find_part("lfe5u-85f"))
    assert len(told) == len(synthesised) == 4 + len(Option)
    assert "| D = 2, no option | 6,402 | 100.0 | 20 | 70 | 9 |" in text
    assert "| D = 8 | +6 | +0.1 | +60 | +0 | +0 |" in text
    assert "| pitched store | +64 | +1.0 | +0 | +0 | +0 |" in text
