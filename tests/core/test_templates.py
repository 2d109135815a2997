"""A template that lacks a value is an error, not text with a hole."""

import jinja2
import pytest

from naas_hw.core.templates import render_template, template_environment


def test_a_missing_value_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="'target_mhz' is undefined"):
        render_template("fpga", "constraints.lpf.j2")


@pytest.mark.parametrize(("escapes_html", "text"), [(True, "&lt;b&gt;"), (False, "<b>")])
def test_values_are_escaped_where_the_text_is_html(escapes_html: bool, text: str):
    environment = template_environment("report", escapes_html=escapes_html)
    assert environment.from_string("{{ name }}\n").render(name="<b>") == f"{text}\n"
