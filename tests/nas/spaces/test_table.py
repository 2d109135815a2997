"""Encodings to layers: look-ups against networks that are built one by one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from naas_hw.nas.spaces.builtin import BUILTIN_SPACES, load_builtin_space
from naas_hw.nas.spaces.space import SlotSpace
from naas_hw.nas.spaces.table import ABSENT, count_distinct

SEED = 5
NUM_NETWORKS = 20


@given(
    arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(-1, 4))
)
def test_count_distinct_counts(indices):
    """Against a Counter of each row."""
    found = count_distinct(indices)
    for row, distinct, counts in zip(indices, found.indices, found.counts, strict=True):
        expected = Counter(int(index) for index in row if index != ABSENT)
        there = distinct != ABSENT
        assert dict(zip(distinct[there].tolist(), counts[there].tolist(), strict=True)) == expected
        assert not counts[~there].any()


@pytest.mark.parametrize("name", BUILTIN_SPACES)
def test_counts_are_those_of_the_network(name):
    """`Network.distinct_layers` says the same, network by network."""
    space = load_builtin_space(name)
    encodings = space.sample(np.random.default_rng(SEED), NUM_NETWORKS)
    found = space.to_layers(encodings)
    for encoding, indices, counts in zip(encodings, found.indices, found.counts, strict=True):
        distinct = space.network(encoding).distinct_layers.items()
        expected = {layer.renamed("layer"): len(names) for layer, names in distinct}
        there = indices != ABSENT
        assert {
            space.layers[index]: count
            for index, count in zip(indices[there], counts[there], strict=True)
        } == expected


@pytest.mark.parametrize("name", BUILTIN_SPACES)
def test_totals_are_those_of_the_network(name):
    """Multiply-accumulates and parameters of a population at once."""
    space = load_builtin_space(name)
    assert isinstance(space, SlotSpace)
    encodings = space.sample(np.random.default_rng(SEED), NUM_NETWORKS)
    found = space.to_layers(encodings)
    networks = [space.network(encoding) for encoding in encodings]
    assert found.total(space.num_macs).tolist() == [network.num_macs for network in networks]
    assert found.total(space.num_parameters).tolist() == [
        network.num_parameters for network in networks
    ]
