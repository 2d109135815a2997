"""SVG text is escaped, and scales have round ticks that hold all values."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from naas_hw.report.svg import coordinate, drawing, element, log_ticks, scale_of, short


def test_text_and_attributes_are_escaped_and_elements_are_not():
    inner = element("title", '<b> & "c"')
    assert inner == "<title>&lt;b&gt; &amp; &#34;c&#34;</title>"
    outer = element("text", inner, class_='a" onload="x', x=1.005)
    assert isinstance(outer, Markup)
    parsed = ElementTree.fromstring(outer)
    assert parsed.attrib == {"class": 'a" onload="x', "x": "1"}
    assert parsed[0].text == '<b> & "c"'


def test_a_drawing_says_what_it_shows():
    picture = ElementTree.fromstring(drawing(10, 20.5, "A < B", "Words.", element("g")))
    assert picture.attrib["aria-label"] == "A < B. Words."
    assert (picture.attrib["role"], picture.attrib["viewBox"]) == ("img", "0 0 10 20.5")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-0.004, "0"), (10.0, "10"), (1.256, "1.26")]
)
def test_coordinates_are_short(value, text):
    assert coordinate(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (5, "5"),
        (999, "999"),
        (999.6, "1k"),
        (12_345, "12.3k"),
        (5e6, "5M"),
        (2.5e9, "2.5G"),
    ],
)
def test_short_numbers(value, text):
    assert short(value) == text


positive = st.floats(min_value=1e-6, max_value=1e15)


@given(st.lists(positive, min_size=1, max_size=20), st.booleans(), st.booleans())
def test_a_scale_holds_its_values_between_ticks(values, is_log, from_zero):
    scale = scale_of(values, 0.0, 100.0, is_log=is_log, from_zero=from_zero)
    assert all(-1e-6 <= scale.place(value) <= 100 + 1e-6 for value in values)
    ticks = scale.ticks
    assert ticks == sorted(ticks)
    assert scale.place(scale.low) == 0 and scale.place(scale.high) == 100
    if not is_log:
        assert 2 <= len(ticks) <= 12
        assert scale.low == 0 or not from_zero
    order = sorted(values)
    places = [scale.place(value) for value in order]
    assert places == sorted(places)


@given(positive)
def test_ticks_of_a_logarithmic_scale_are_one_two_five(low):
    for tick in log_ticks(low, 100 * low):
        mantissa = float(f"{tick:.6e}".split("e")[0])
        assert mantissa in (1.0, 2.0, 5.0)
