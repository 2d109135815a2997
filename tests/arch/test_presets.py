"""Presets have the published figures, and their budgets are exactly their resources."""

import pytest

from naas_hw.arch.budget import Budget, on_chip_bytes
from naas_hw.arch.presets import PRESETS, find_preset
from naas_hw.core.errors import InputError

PUBLISHED = {
    # name: axes, bytes of the global buffer (or of everything where only that is published)
    "eyeriss": ({"R": 12, "P": 14}, 108 * 1024),
    "nvdla-256": ({"C": 16, "K": 16}, 128 * 1024),
    "nvdla-1024": ({"C": 64, "K": 16}, 512 * 1024),
    "shidiannao": ({"P": 8, "Q": 8}, 256 * 1024),
    "edgetpu": ({"C": 64, "K": 64}, None),
}
SCALED = {"edgetpu-16x16": "edgetpu"}


def test_there_is_a_preset_for_every_published_design():
    assert set(PRESETS) - set(SCALED) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_preset_has_the_published_array_and_global_buffer(name: str):
    axes, size_bytes = PUBLISHED[name]
    accelerator = find_preset(name).accelerator
    assert {axis.dim: axis.size for axis in accelerator.axes} == axes
    assert size_bytes in (None, accelerator.global_buffer_bytes)


def test_whole_memories_are_as_published_where_only_the_sum_is():
    assert on_chip_bytes(find_preset("shidiannao").accelerator) == (64 + 64 + 128 + 32) * 1024
    assert on_chip_bytes(find_preset("edgetpu").accelerator) == 8 * 1024 * 1024


@pytest.mark.parametrize(("name", "whole"), SCALED.items())
def test_a_scaled_preset_says_so_and_keeps_what_surrounds_the_array(name: str, whole: str):
    scaled, preset = find_preset(name), find_preset(whole)
    assert f"preset {whole} SCALED DOWN to 16 x 16" in scaled.source
    assert [axis.size for axis in scaled.accelerator.axes] == [16, 16]
    kept = {"axes", "name", "bank_bytes"}
    assert scaled.accelerator.model_dump(exclude=kept) == preset.accelerator.model_dump(
        exclude=kept
    )
    share = scaled.accelerator.num_pes / preset.accelerator.num_pes
    assert scaled.accelerator.bank_bytes == share * preset.accelerator.bank_bytes


def test_eyeriss_has_the_private_memory_of_the_chip():
    """448 + 24 + 48 bytes in each of 168 PEs; the sums stand in 14 banks here."""
    assert find_preset("eyeriss").accelerator.private_buffer_bytes == 168 * (448 + 24 + 48)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fills_its_budget_and_has_a_source(name: str):
    preset = find_preset(name)
    budget = preset.budget
    assert budget.violations(preset.accelerator) == []
    assert (budget.max_pes, budget.on_chip_bytes) == (
        preset.accelerator.num_pes,
        on_chip_bytes(preset.accelerator),
    )
    assert len(budget.source) > 40


def test_an_unknown_preset_is_refused_by_name():
    with pytest.raises(InputError, match=r"^preset must be one of eyeriss, .*, not 'tpu'$"):
        find_preset("tpu")


def test_a_budget_names_every_limit_that_is_broken():
    accelerator = find_preset("nvdla-256").accelerator
    budget = Budget(max_pes=248, on_chip_bytes=4096, beat_bytes=8, dram_beat_period_cycles=2)
    assert budget.violations(accelerator) == [
        "PEs must be at most 248, not 256",
        "on-chip bytes must be at most 4096, not 245760",
        "beat_bytes must be at most 8, not 16",
        "dram_beat_period_cycles must be at least 2, not 1",
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_pes": 12}, "max_pes must be a multiple of 8, not 12"),
        ({"on_chip_bytes": 2047}, "on_chip_bytes must be a multiple of 16, not 2047"),
        ({"beat_bytes": 12}, "beat_bytes must be 4, 8, 16 or 32, not 12"),
        (
            {"on_chip_bytes": 2048, "num_banks": 32},
            r"on_chip_bytes must be at least 2128 with 32 banks \(64 x num_banks, and 80 in the "
            r"smallest array\), not 2048",
        ),
    ],
)
def test_a_budget_is_on_the_grid(fields: dict[str, int], message: str):
    with pytest.raises(ValueError, match=message):
        Budget(**{"max_pes": 64, "on_chip_bytes": 65536, **fields})
