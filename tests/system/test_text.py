"""No text from outside reaches the terminal as it is."""

import pytest

from naas_hw.system.text import printable, shortened, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("größe 1", "größe 1"),
        ("a\x1b[31m", r"a\x1b[31m"),
        ("a\nb\r\t\0", r"a\nb\r\t\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eabc\u200b", r"\u202eabc\u200b"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_a_terminal_might_obey_is_escaped(text, expected):
    assert printable(text) == expected
    assert printable(expected) == expected


def test_a_value_is_shown_by_its_beginning():
    assert shortened("abc", 3) == "abc" and shortened("abcd", 3) == "abc..."
    assert shown("x" * 10**6) == f"'{'x' * 59}..."
    assert shown(10**5000) == "an integer of 16610 bits"
    assert shown([10]) == "[10]"
