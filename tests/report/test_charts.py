"""Charts put their numbers where the axes say, and nothing of a name becomes markup."""

import xml.etree.ElementTree as ElementTree

import pytest

from naas_hw.report.charts import (
    WIDTH,
    Bar,
    ChartAxis,
    Series,
    plot,
    shortened,
    stacked_bars,
    text_width,
)


def parts_of(picture, tag: str, class_: str) -> list[ElementTree.Element]:
    """Elements of a tag whose classes hold all of these."""
    wanted = set(class_.split())
    return [
        one
        for one in ElementTree.fromstring(picture).iter(tag)
        if wanted <= set(one.get("class", "").split())
    ]


def number_of(element: ElementTree.Element, name: str) -> float:
    """An attribute that is a number."""
    value = element.get(name)
    assert value is not None, name
    return float(value)


def rectangles(picture, tone: int) -> list[tuple[float, float]]:
    """(start, width) of the bars' parts of this tone, the legend's left out."""
    found = parts_of(picture, "rect", f"part tone{tone}")
    bars = [one for one in found if one.find("title") is not None]
    return [(number_of(one, "x"), number_of(one, "width")) for one in bars]


def test_bars_are_as_long_as_their_values_and_stand_end_to_end():
    bars = [Bar(name="a", values=[10, 30], end="40"), Bar(name="b", values=[0, 20], end="20")]
    picture = stacked_bars("t", "d", bars, parts=[("one", 0), ("two", 1)], label="cycles")
    ((start, width),) = rectangles(picture, 0)
    (first, second) = rectangles(picture, 1)
    assert first[0] == pytest.approx(start + width, abs=0.02)
    assert first[1] == pytest.approx(3 * width, abs=0.05)
    assert second == pytest.approx((start, 2 * width), abs=0.05)
    assert first[0] + first[1] <= WIDTH


def test_points_lie_where_the_scale_says():
    series = Series(name="s", points=[(1, 100), (2, 200), (3, 300)], tone=2)
    picture = plot("t", "d", [series], x_axis=ChartAxis(label="x"), y_axis=ChartAxis(label="y"))
    marks = [m for m in parts_of(picture, "circle", "mark tone2") if m.find("title") is not None]
    places = [(number_of(m, "cx"), number_of(m, "cy")) for m in marks]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.02) and x1 > x0
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.02) and y1 < y0  # up is less


def test_on_a_logarithmic_axis_equal_ratios_are_equally_far():
    series = Series(name="s", points=[(1, 1), (10, 10), (100, 100)], mark="square")
    log = ChartAxis(label="x", is_log=True)
    picture = plot("t", "d", [series], x_axis=log, y_axis=log)
    marks = [m for m in parts_of(picture, "rect", "mark") if m.find("title") is not None]
    x0, x1, x2 = (number_of(m, "x") for m in marks)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.02)


def test_a_name_is_text_in_every_chart():
    evil = "<script>alert(1)</script>"
    series = Series(name=evil, points=[(1, 1), (2, 3)], labels=[evil, evil], named=[0])
    axis, bar = ChartAxis(label=evil), Bar(name=evil, values=[1], end=evil)
    for picture in (
        plot(evil, evil, [series], x_axis=axis, y_axis=axis),
        stacked_bars(evil, evil, [bar], parts=[(evil, 0)], label=evil),
    ):
        assert "<script" not in picture
        assert list(ElementTree.fromstring(picture).iter("script")) == []


def test_a_layer_without_a_length_is_a_name_without_a_bar():
    picture = stacked_bars(
        "t", "d", [Bar(name="zero", values=[0.0], end="0")], parts=[("all", 0)], label="cycles"
    )
    assert rectangles(picture, 0) == [] and "zero" in picture


@pytest.mark.parametrize("width", [30.0, 80.0, 1000.0])
@pytest.mark.parametrize("text", ["abcdefghijklmnopqrstuvwxyz" * 2, "MW" * 30])
def test_a_shortened_text_is_no_wider_and_keeps_both_its_ends(text, width):
    found = shortened(text, width)
    assert text_width(found) <= width
    if text_width(text) <= width:
        assert found == text
    else:
        head, tail = found.split("…")
        assert text.startswith(head) and text.endswith(tail)
        assert text_width(found) > width - 2 * text_width("W")  # nothing is left out in vain
