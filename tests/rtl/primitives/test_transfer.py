"""A transfer packs its fields in their order, and tensors count in the order of loading."""

from naas_hw.rtl.primitives.transfer import LoadTransfer, StoreTransfer, Tensor


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
