"""Names for expressions end in an operand, also where they are cut."""

import pytest

from naas_hw.emit import expressions as ex
from naas_hw.emit.descriptions import describe
from naas_hw.emit.expression_text import Identifier

NAMES = {
    name: Identifier(name)
    for name in ("level", "a_name_of_twenty_bits", "other_name", "last", "w" * 20)
}


def name(text: str) -> ex.Name:
    """A wire of four bits."""
    return ex.Name(4, text)


LONG = name("a_name_of_twenty_bits")
WORD = name("w" * 20)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (ex.Binary(4, "-", name("level"), ex.Const(4, 1)), "level_minus_1"),
        (ex.Binary(4, "+", ex.Const(4, 1), name("level")), "from_1_plus_level"),
        (
            ex.Binary(4, "&", ex.Binary(4, "^", LONG, name("other_name")), name("last")),
            "a_name_of_twenty_bits_xor_other_name",
        ),
        (
            ex.Binary(1, "!=", ex.Binary(4, "+", LONG, name("other_name")), LONG),
            "a_name_of_twenty_bits_plus_other_name",
        ),
        (ex.Mux(4, name("level"), LONG, ex.Unary(4, "~", WORD)), "a_name_of_twenty_bits"),
    ],
    ids=["whole", "number first", "cut after and", "cut after is not", "cut after or not"],
)
def test_a_name_ends_in_an_operand(node: ex.Expression, words: str) -> None:
    assert describe(node, NAMES) == words


def test_a_name_of_one_long_word_is_not_cut() -> None:
    long = "x" * 50
    assert describe(name(long), {long: Identifier(long)}) == long
