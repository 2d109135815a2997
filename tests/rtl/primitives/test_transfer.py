"""A transfer packs its fields in their order, and tensors count in the order of loading."""

from itertools import product

import pytest

from naas_hw.arch.presets import PRESETS
from naas_hw.compiler.fields import BOUND_BITS
from naas_hw.rtl.primitives.transfer import (
    LoadOptions,
    LoadTransfer,
    OptionalTensor,
    StoreTransfer,
    Tensor,
    check_extent_bits,
    extent_bits,
)


def test_a_transfer_keeps_its_fields() -> None:
    tag = {"tensor": Tensor.INPUTS, "releases_fill": 1}
    load = {"tag": tag, "rows": 7, "destination": 40}
    packed = LoadTransfer.const(load)
    assert (packed.tag.tensor, packed.tag.releases_fill) == (Tensor.INPUTS, 1)
    assert (packed.rows, packed.destination, packed.blocks) == (7, 40, 0)
    store = StoreTransfer.const({"partial_sums": 1, "l2_address": 9})
    assert (store.partial_sums, store.l2_address, store.columns) == (1, 9, 0)


def test_a_tile_loads_scales_first_and_partial_sums_last() -> None:
    assert sorted(Tensor) == [Tensor.SCALES, Tensor.WEIGHTS, Tensor.INPUTS, Tensor.PARTIAL_SUMS]


def test_a_tensor_has_the_same_number_with_and_without_options() -> None:
    for name in ("SCALES", "WEIGHTS", "INPUTS", "PARTIAL_SUMS"):
        assert getattr(OptionalTensor, name) == getattr(Tensor, name)


def test_a_table_comes_first_and_a_residual_before_partial_sums() -> None:
    """Whichever of them there are, the four others keep their order."""
    for table_words, residual in product((0, 16), (False, True)):
        order = LoadOptions(table_words=table_words, residual=residual).order
        assert [tensor for tensor in order if tensor in list(Tensor)] == sorted(Tensor)
        assert (order[0] == OptionalTensor.TABLE) == (table_words > 0)
        assert (order[-2] == OptionalTensor.RESIDUAL) == residual


def test_without_options_a_load_is_as_it_was() -> None:
    assert LoadOptions().tagged(LoadTransfer) is LoadTransfer


def test_a_tag_says_when_drain_is_released_only_where_there_is_a_residual() -> None:
    with_table = LoadOptions(table_words=8).tagged(LoadTransfer)
    with_residual = LoadOptions(residual=True).tagged(LoadTransfer)
    assert with_table.size == LoadTransfer.as_shape().size + 1
    assert with_residual.size == with_table.size + 1


@pytest.mark.parametrize(("preset", "bits"), [("eyeriss", 14), ("edgetpu", BOUND_BITS)])
def test_an_extent_is_as_wide_as_l2_wants_it_but_not_wider_than_its_field(
    preset: str, bits: int
) -> None:
    assert extent_bits(PRESETS[preset].accelerator) == bits


@pytest.mark.parametrize("bits", [1, 17])
def test_wrong_extent_bits(bits: int) -> None:
    with pytest.raises(ValueError, match=rf"^extent_bits must be 2 to 16, not {bits}$"):
        check_extent_bits(bits)
