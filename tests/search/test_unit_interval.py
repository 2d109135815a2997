"""Numbers of [0, 1] stand for values, and the values come back."""

from hypothesis import given
from hypothesis import strategies as st

from naas_hw.search.unit_interval import gene_of_scale, scale

unit = st.floats(0.0, 1.0)


@given(unit, st.integers(1, 400))
def test_every_value_of_a_scale_is_in_range_and_comes_back(gene: float, most: int):
    value = scale(gene, most)
    assert 1 <= value <= most
    assert scale(gene_of_scale(value, most), most) == value
