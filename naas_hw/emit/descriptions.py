"""Names for expressions that have none in the source: they say what is computed."""

from collections.abc import Mapping
from typing import Final

from naas_hw.emit import expressions as ex
from naas_hw.emit.expression_text import Identifier
from naas_hw.emit.expressions import Expression
from naas_hw.emit.names import plain_name

_OPERATOR_NAMES: Final = {
    "+": "plus",
    "-": "minus",
    "*": "times",
    "&": "and",
    "|": "or",
    "^": "xor",
    "&&": "and",
    "||": "or",
    "==": "is",
    "!=": "is_not",
    "<": "below",
    "<=": "up_to",
    ">": "above",
    ">=": "from",
    "<<": "shifted_by",
    ">>": "shifted_by",
    ">>>": "shifted_by",
}
_MAX_NAME: Final = 40
_UNARY_NAMES: Final = {"~": "not", "!": "not", "-": "minus", "&": "all", "|": "any", "^": "odd"}
_NO_LAST_WORDS: Final = frozenset(
    word
    for name in (
        *_OPERATOR_NAMES.values(),
        *_UNARY_NAMES.values(),
        "at",
        "with",
        "if",
        "unless",
        "",
    )
    for word in name.split("_")
)
"""Words of a description that an operand follows."""


def describe(node: Expression, identifiers: Mapping[str, Identifier]) -> str:
    """A short name that says what an expression is, like `level_minus_1`.

    Parameters
    ----------
    identifiers : what wires and memories are called.
    """
    name = plain_name(_words(node, identifiers))
    return _cut(f"from_{name}" if name[0].isdigit() else name)


def _cut(name: str) -> str:
    """As many words of a name as there is room for, with an operand at the end."""
    words = name.split("_")
    if len(name) <= _MAX_NAME:
        return name
    while len(words) > 1 and (len("_".join(words)) > _MAX_NAME or words[-1] in _NO_LAST_WORDS):
        words.pop()
    return "_".join(words)


def _words(node: Expression, identifiers: Mapping[str, Identifier]) -> str:
    def words(child: Expression) -> str:
        return _words(child, identifiers)

    match node:
        case ex.Name() if node.name in identifiers:
            return identifiers[node.name].name
        case ex.Const():
            return str(node.value)
        case ex.Word():
            return f"{identifiers[node.memory].name}_word"
        case ex.Pick():
            return f"{words(node.of)}_at_{words(node.index)}"
        case ex.Slice() | ex.Part() | ex.Extend():
            return words(node.of)
        case ex.Concat():
            return f"{words(node.parts[-1])}_with_{words(node.parts[0])}"
        case ex.Mux():
            return _words_of_choice(node, identifiers)
        case ex.Unary() | ex.Binary():
            return _words_of_operation(node, identifiers)
    return "value"


def _words_of_operation(node: ex.Unary | ex.Binary, identifiers: Mapping[str, Identifier]) -> str:
    if isinstance(node, ex.Unary):
        return f"{_UNARY_NAMES[node.operator]}_{_words(node.of, identifiers)}"
    left, right = (_words(side, identifiers) for side in (node.left, node.right))
    return f"{left}_{_OPERATOR_NAMES[node.operator]}_{right}"


def _words_of_choice(node: ex.Mux, identifiers: Mapping[str, Identifier]) -> str:
    condition = _words(node.condition, identifiers)
    if isinstance(node.true, ex.Const):
        return f"{_words(node.false, identifiers)}_unless_{condition}"
    if isinstance(node.false, ex.Const):
        return f"{_words(node.true, identifiers)}_if_{condition}"
    return f"{_words(node.true, identifiers)}_or_{_words(node.false, identifiers)}"
