"""decode gives mappings on the grid, encode undoes it, and nothing legal is out of reach."""

from itertools import permutations, product
from math import factorial

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.cost.compiled.batch import MappingBatch
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import Rule, violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.search.mapping.encoding import (
    ORDERS,
    MappingEncoding,
    indices_from_orders,
    orders_from_indices,
)
from naas_hw.search.unit_interval import Encoding
from naas_hw.workload.layer import DIMS, Layer

CK4 = Accelerator(
    axes=(Axis(dim="C", size=4), Axis(dim="K", size=2), Axis(dim="R", size=3)),
    weight_buffer_bytes=16,
    input_buffer_bytes=32,
    accumulator_words=16,
    bank_bytes=128,
    beat_bytes=4,
)
LAYER = Layer(name="small", K=7, C=6, P=3, Q=2, R=3, S=2, height=5, width=3)


def test_the_highest_importance_is_the_outermost_loop():
    genes = np.full((1, 36), 0.5)
    genes[0, :6] = [0.1, 0.9, 0.2, 0.3, 0.8, 0.4]
    orders = MappingEncoding(accelerator=CK4, layer=LAYER).decode(genes).orders
    assert "".join(DIMS[d] for d in orders[0, 0]) == "CRSQPK"


@given(st.sampled_from(list(Encoding)), st.lists(st.floats(-0.5, 1.5), min_size=36, max_size=36))
def test_a_mapping_is_on_the_grid_and_comes_back(kind: Encoding, genes: list[float]):
    encoding = MappingEncoding(accelerator=CK4, layer=LAYER, encoding=kind)
    found = encoding.decode(np.array(genes[: encoding.num_genes]))
    for dim, used in zip(DIMS, found.spatial[0], strict=True):
        due = min(CK4.size_of(dim), LAYER.bounds[dim])
        assert used == due if dim in ("K", "C") else 1 <= used <= due
    again = encoding.decode(encoding.encode(found))
    for field in ("orders", "l2", "pe", "spatial"):
        assert np.array_equal(getattr(found, field), getattr(again, field))


def test_indices_count_all_orders():
    indices = np.arange(factorial(6))
    orders = orders_from_indices(indices.reshape(-1, 3)).reshape(-1, 6)
    assert [tuple(order) for order in orders] == list(permutations(range(6)))
    assert np.array_equal(indices_from_orders(orders), indices)


def test_equal_intervals_of_a_gene_are_the_orders_of_a_level():
    """Genes of the second level at the middles of 720 intervals; the other levels stay."""
    encoding = MappingEncoding(accelerator=CK4, layer=LAYER, encoding=Encoding.INDEX)
    genes = np.full((720, encoding.num_genes), 0.5)
    genes[:, 1] = (np.arange(720) + 0.5) / 720
    orders = encoding.decode(genes).orders
    assert np.array_equal(orders[:, 1], ORDERS)
    assert len(np.unique(orders[:, 0], axis=0)) == len(np.unique(orders[:, 2], axis=0)) == 1


def bounds(values: np.ndarray) -> Bounds:
    return Bounds(**dict(zip(DIMS, (int(value) for value in values), strict=True)))


def test_every_legal_tiling_that_covers_a_dim_once_is_reached():
    """All tilings of K, C, P and R of a small layer: the legal ones encode, the others do not."""
    encoding = MappingEncoding(accelerator=CK4, layer=LAYER)
    checked = {True: 0, False: 0}
    for k, c, p, r, used in product(range(1, 5), range(1, 3), range(1, 4), (1, 2), (1, 2, 3)):
        spatial = {"K": 2, "C": 4, "R": used}
        pe = {"K": k, "C": c, "P": p, "R": 1}
        for l2_k, l2_c, l2_p, l2_r in product(range(1, 5), range(1, 3), (1, 2, 3), (1, r)):
            l2 = {"K": l2_k, "C": l2_c, "P": l2_p, "R": l2_r}
            mapping = Mapping(pe=Bounds(**pe), l2=Bounds(**l2), spatial=Bounds(**spatial))
            geometry = Geometry(accelerator=CK4, layer=LAYER, mapping=mapping)
            extents = {d: geometry.spatial_extent(d) for d in DIMS}
            once = all(
                (mapping.l2[d] - 1) * mapping.pe[d] * extents[d] < LAYER.bounds[d]
                and (mapping.pe[d] - 1) * extents[d] < LAYER.bounds[d]
                for d in DIMS
            )
            if not once:
                continue
            blocks = [v for v in violations(CK4, LAYER, mapping) if v.rule is Rule.BLOCK]
            arrays = MappingBatch(
                orders=np.tile(np.arange(6), (1, 3, 1)),
                l2=np.array([[mapping.l2[d] for d in DIMS]]),
                pe=np.array([[mapping.pe[d] for d in DIMS]]),
                spatial=np.array([[mapping.spatial[d] for d in DIMS]]),
            )
            try:
                encoding.encode(arrays)
                reached = True
            except ValueError:
                reached = False
            assert reached == (not blocks), mapping
            checked[reached] += 1
    assert min(checked.values()) > 100


def test_l2_tiles_of_channels_hold_whole_blocks():
    encoding = MappingEncoding(
        accelerator=PRESETS["nvdla-256"].accelerator,
        layer=Layer(name="wide", K=100, C=70, P=4, height=4, width=1),
    )
    rng = np.random.default_rng(1)
    found = encoding.decode(rng.random((200, 36)))
    tiles = found.l2 * found.pe * encoding.extents(found.spatial)
    for column, dim in ((0, 100), (1, 70)):
        assert np.all((tiles[:, column] % 16 == 0) | (tiles[:, column] >= dim))
