"""Genes: equal networks have equal encodings, and what goes in comes out again."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from naas_hw.core.errors import InputError
from naas_hw.nas.spaces.genes import Condition, Gene, Genome, block_condition

DEPTH = Gene(name="depth", choices=(0, 1, 2))
GENOME = Genome(
    genes=(
        Gene(name="width", choices=(0.5, 1)),
        DEPTH,
        Gene(name="a", choices=(1, 2, 3)),
        Gene(name="b", choices=(1, 2, 3), when=block_condition(DEPTH, 1, 1)),
        Gene(name="c", choices=(1, 2), when=block_condition(DEPTH, 1, 2)),
    )
)
ALL = np.array(list(product(*(range(len(gene.choices)) for gene in GENOME.genes))))
SEEDS = st.integers(0, 2**32 - 1)


def effect(row) -> tuple:
    """What an encoding means, said without the code under test."""
    width, depth, *blocks = (int(index) for index in row)
    return width, depth, tuple(blocks[: depth + 1])


def test_canonical_encodings_are_equal_where_networks_are():
    """And they mean what they meant."""
    canonical = GENOME.checked(ALL)
    assert [effect(row) for row in canonical] == [effect(row) for row in ALL]
    assert len({row.tobytes() for row in canonical}) == len({effect(row) for row in ALL})


def test_number_of_encodings():
    """Counted one by one."""
    assert GENOME.num_encodings == len({effect(row) for row in ALL})


@given(SEEDS, st.floats(0, 1))
def test_offspring_are_canonical_and_come_from_their_parents(seed, rate):
    """Mutation at rate 0 changes nothing; a child's gene is of a parent or has no effect."""
    rng = np.random.default_rng(seed)
    first, second = GENOME.sample(rng, 20), GENOME.sample(rng, 20)
    child = GENOME.cross_over(rng, first, second)
    mutant = GENOME.mutate(rng, child, rate)
    for made in (first, child, mutant):
        assert (GENOME.checked(made) == made).all()
    assert ((child == first) | (child == second) | (child == 0)).all()
    assert (GENOME.mutate(rng, child, 0) == child).all()


def test_sampling_reaches_every_network():
    """130 networks in 20,000 draws; the rarest has a chance of 1 in 108."""
    found = GENOME.sample(np.random.default_rng(1), 20_000)
    assert len({row.tobytes() for row in found}) == GENOME.num_encodings


@given(SEEDS)
def test_values_come_back(seed):
    """encode(decode(x)) is x; genes without effect are not said."""
    (encoding,) = GENOME.sample(np.random.default_rng(seed), 1)
    values = GENOME.decode(encoding)
    assert (GENOME.encode(values) == encoding).all()
    assert set(values) == {"width", "depth", *"abc"[: int(values["depth"]) + 1]}


def test_features_are_one_hot_without_genes_that_have_no_effect():
    """Of width 1, depth 0 and a = 3, b and c are not there."""
    encoding = GENOME.encode({"width": 1, "depth": 0, "a": 3})
    expected = [0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert GENOME.features(encoding[np.newaxis]).tolist() == [expected]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 1, "depth": 1, "a": 1}, "gene b must be given"),
        ({"width": 2, "depth": 0, "a": 1}, "gene width must be one of 0.5, 1, not 2"),
        ({"wide": 1}, "gene must be one of width, depth, a, b, c, not 'wide'"),
    ],
)
def test_encode_wrong(settings, message):
    """One sentence."""
    with pytest.raises(InputError) as caught:
        GENOME.encode(settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("encodings", "message"),
    [
        ([[0, 0, 0, 0]], "an encoding must have 5 genes, not the shape (1, 4)"),
        ([0.0, 0, 0, 0, 0], "an encoding must hold whole numbers, not float64"),
        ([[0] * 5, [0, 3, 0, 0, 0]], "gene depth of encoding 1 must be 0 to 2, not 3"),
        ([[-1, 0, 0, 0, 0]], "gene width of encoding 0 must be 0 to 1, not -1"),
    ],
)
def test_checked_wrong(encodings, message):
    """One sentence."""
    with pytest.raises(InputError) as caught:
        GENOME.checked(encodings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("genes", "message"),
    [
        ((DEPTH, DEPTH), "gene names must differ, not 'depth' twice"),
        (
            (Gene(name="b", choices=(1,), when=Condition(gene="depth", least=1)), DEPTH),
            "the condition of b must name an earlier gene without one, not 'depth'",
        ),
    ],
)
def test_genome_wrong(genes, message):
    """Names differ; conditions do not nest."""
    with pytest.raises(ValidationError, match=message):
        Genome(genes=genes)


def test_choices_increase():
    """So that the last one is the largest."""
    with pytest.raises(ValidationError, match=r"choices must increase, not be \(2.0, 1.0\)"):
        Gene(name="x", choices=(2, 1))
