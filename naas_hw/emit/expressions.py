"""Expressions over the wires of a module, as values of an exact width.

Every node is a vector of `width` bits without a sign; where a number is meant as signed, the node
that reads it says so. The functions at the end build nodes and fold what can be folded: slices move
to the names that they are taken of, bits that repeat a sign become an extension, choices between
0 and 1 become logic.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
BITWISE: Final = frozenset({"&", "|", "^"})
LOGICAL: Final = frozenset({"&&", "||"})
SHIFTS: Final = frozenset({"<<", ">>", ">>>"})
LOW_BITS_SUFFICE: Final = frozenset({"+", "-", "*"})
"""Operators whose low bits follow from the low bits of their operands."""

_NEGATED: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


@dataclass(frozen=True)
class Expression:
    """Any node.

    Parameters
    ----------
    width : bits of its value.
    """

    width: int


@dataclass(frozen=True)
class Const(Expression):
    """A constant."""

    value: int


@dataclass(frozen=True)
class Name(Expression):
    """All bits of a wire."""

    name: str


@dataclass(frozen=True)
class Slice(Expression):
    """Neighbouring bits of a wire, from bit `low` on."""

    of: Name
    low: int


@dataclass(frozen=True)
class Part(Expression):
    """Neighbouring bits of what is no wire; it needs a name before it can be written."""

    of: Expression
    low: int


@dataclass(frozen=True)
class Pick(Expression):
    """Bits of a wire from `low + index * stride` on, never beyond its end."""

    of: Name
    low: int
    index: Expression
    stride: int


@dataclass(frozen=True)
class Word(Expression):
    """The word of a memory at an address."""

    memory: str
    address: Expression


@dataclass(frozen=True)
class Concat(Expression):
    """Parts side by side, the least significant first."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Extend(Expression):
    """A narrower value extended by zeros, or by its sign."""

    of: Expression
    signed: bool


@dataclass(frozen=True)
class Unary(Expression):
    """`~` and `-` of a vector, `!` of a bit, or a reduction by `&`, `|`, `^`."""

    operator: str
    of: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """An operator with two operands.

    Arithmetic has operands of its own width and drops the carry. The operands of a comparison have
    one width; `signed` says how they compare. The right operand of a shift has a width of its own.
    """

    operator: str
    left: Expression
    right: Expression
    signed: bool = False


@dataclass(frozen=True)
class Mux(Expression):
    """`condition ? true : false`."""

    condition: Expression
    true: Expression
    false: Expression


def children_of(node: Expression) -> tuple[Expression, ...]:
    """The nodes that a node reads."""
    match node:
        case Part() | Extend() | Unary():
            return (node.of,)
        case Pick():
            return (node.of, node.index)
        case Slice():
            return (node.of,)
        case Word():
            return (node.address,)
        case Concat():
            return node.parts
        case Binary():
            return (node.left, node.right)
        case Mux():
            return (node.condition, node.true, node.false)
        case _:
            return ()


def map_children(node: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The same node with each operand changed; widths must stay."""
    match node:
        case Part() | Extend() | Unary():
            return replace(node, of=change(node.of))
        case Pick():
            return replace(node, index=change(node.index))
        case Word():
            return replace(node, address=change(node.address))
        case Concat():
            return replace(node, parts=tuple(change(part) for part in node.parts))
        case Binary():
            return replace(node, left=change(node.left), right=change(node.right))
        case Mux():
            return Mux(node.width, change(node.condition), change(node.true), change(node.false))
        case _:
            return node


def walk(node: Expression) -> Iterator[Expression]:
    """A node and everything below it."""
    yield node
    for child in children_of(node):
        yield from walk(child)


def size_of(node: Expression) -> int:
    """Number of operators, concatenations and selections."""
    return sum(not isinstance(each, Const | Name | Slice | Extend) for each in walk(node))


def depth_of_choices(node: Expression) -> int:
    """How many `?:` are nested."""
    inside = max(map(depth_of_choices, children_of(node)), default=0)
    return inside + isinstance(node, Mux)


# ---------------------------------------------------------------- building


def slice_of(node: Expression, low: int, width: int) -> Expression:
    """Bits `low` to `low + width - 1` of a node."""
    if low == 0 and width == node.width:
        return node
    if width == 0:
        return Const(0, 0)
    match node:
        case Const():
            return Const(width, node.value >> low & ((1 << width) - 1))
        case Name():
            return Slice(width, node, low)
        case Slice() | Part():
            return slice_of(node.of, node.low + low, width)
        case Concat():
            return _slice_of_parts(node, low, width)
        case Extend():
            return _slice_of_extension(node, low, width)
        case Mux():
            return choose(
                node.condition,
                slice_of(node.true, low, width),
                slice_of(node.false, low, width),
            )
        case Unary() | Binary():
            return _slice_of_operation(node, low, width)
        case _:
            return Part(width, node, low)


def _slice_of_operation(node: Unary | Binary, low: int, width: int) -> Expression:
    operator = node.operator
    if isinstance(node, Unary):
        if operator == "~":
            return invert(slice_of(node.of, low, width))
        if operator == "-" and low == 0:
            return Unary(width, "-", slice_of(node.of, 0, width))
        return Part(width, node, low)
    if operator in BITWISE or (low == 0 and operator in LOW_BITS_SUFFICE):
        left = slice_of(node.left, low, width)
        return binary(width, operator, left, slice_of(node.right, low, width))
    if operator == "<<" and low == 0:
        return replace(node, width=width, left=slice_of(node.left, 0, width))
    return Part(width, node, low)


def _slice_of_parts(node: Concat, low: int, width: int) -> Expression:
    parts, start = [], 0
    for part in node.parts:
        first, last = max(low, start), min(low + width, start + part.width)
        if first < last:
            parts.append(slice_of(part, first - start, last - first))
        start += part.width
    return concat(parts)


def _slice_of_extension(node: Extend, low: int, width: int) -> Expression:
    inner = node.of
    if low + width <= inner.width:
        return slice_of(inner, low, width)
    if low < inner.width:
        return extend(slice_of(inner, low, inner.width - low), width, node.signed)
    if not node.signed:
        return Const(width, 0)
    return extend(slice_of(inner, inner.width - 1, 1), width, True)


def extend(node: Expression, width: int, signed: bool) -> Expression:
    """A node made at least as wide; `slice_of` makes it narrower."""
    if width <= node.width:
        return slice_of(node, 0, width)
    if isinstance(node, Const):
        negative = signed and node.width and node.value >> (node.width - 1)
        return Const(width, node.value | (((1 << width) - (1 << node.width)) if negative else 0))
    if isinstance(node, Extend) and node.signed == signed:
        return Extend(width, node.of, signed)
    if isinstance(node, Extend) and signed:
        return Extend(width, node.of, False)
    return Extend(width, node, signed)


def concat(parts: Sequence[Expression]) -> Expression:
    """Parts side by side, the least significant first."""
    joined = _joined(parts)
    if len(joined) == 1:
        return joined[0]
    width = sum(part.width for part in joined)
    top = joined[-1]
    if isinstance(top, Const) and top.value == 0:
        return extend(concat(joined[:-1]), width, False)
    low = list(joined)
    while len(low) > 1 and low[-1] == slice_of(low[-2], low[-2].width - 1, 1):
        low.pop()
    if len(low) == 1:
        return extend(low[0], width, True)
    return Concat(width, tuple(joined))


def _joined(parts: Sequence[Expression]) -> list[Expression]:
    joined: list[Expression] = []
    for part in parts:
        pieces = part.parts if isinstance(part, Concat) else (part,)
        for piece in pieces:
            if piece.width:
                last = _neighbours(joined[-1], piece) if joined else None
                joined[-1:] = [last] if last is not None else [*joined[-1:], piece]
    return joined or [Const(0, 0)]


def _neighbours(low: Expression, high: Expression) -> Expression | None:
    """Two parts as one, where they are constants or neighbours in one wire."""
    width = low.width + high.width
    if isinstance(low, Const) and isinstance(high, Const):
        return Const(width, low.value | high.value << low.width)
    if isinstance(low, Slice | Part) and isinstance(high, Slice | Part):
        if low.of == high.of and low.low + low.width == high.low:
            return slice_of(low.of, low.low, width)
    return None


def invert(node: Expression) -> Expression:
    """All bits of a node inverted."""
    if isinstance(node, Const):
        return Const(node.width, node.value ^ ((1 << node.width) - 1))
    if isinstance(node, Unary) and node.operator in ("~", "!"):
        return node.of
    if node.width > 1:
        return Unary(node.width, "~", node)
    if isinstance(node, Binary) and node.operator in COMPARISONS:
        return replace(node, operator=_NEGATED[node.operator])
    if isinstance(node, Unary) and node.operator == "|":
        return Binary(1, "==", node.of, Const(node.of.width, 0))
    return Unary(1, "!", node)


def binary(width: int, operator: str, left: Expression, right: Expression) -> Expression:
    """`+`, `-`, `*`, `&`, `|` or `^` of operands of its width; logic where that is one bit."""
    if operator in BITWISE and isinstance(left, Const):
        left, right = right, left
    if width == 1 and operator == "&":
        return both(left, right)
    if width == 1 and operator == "|":
        return either(left, right)
    if width == 1 and operator == "^" and isinstance(right, Const):
        return invert(left) if right.value else left
    return Binary(width, operator, left, right)


def both(left: Expression, right: Expression) -> Expression:
    """Logical and of two bits."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Const):
            return other if one.value else one
    return Binary(1, "&&", left, right)


def either(left: Expression, right: Expression) -> Expression:
    """Logical or of two bits."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Const):
            return one if one.value else other
    return Binary(1, "||", left, right)


def choose(condition: Expression, true: Expression, false: Expression) -> Expression:
    """`condition ? true : false`; logic where a branch is a constant bit."""
    if isinstance(condition, Const):
        return true if condition.value else false
    if true == false:
        return true
    if isinstance(condition, Unary) and condition.operator == "!":
        condition, true, false = condition.of, false, true
    if true.width == 1 and isinstance(true, Const):
        return either(condition, false) if true.value else both(invert(condition), false)
    if true.width == 1 and isinstance(false, Const):
        return either(invert(condition), true) if false.value else both(condition, true)
    return Mux(true.width, condition, true, false)


def compare(operator: str, left: Expression, right: Expression, signed: bool = False) -> Expression:
    """A comparison; operands are extended to one width."""
    width = max(left.width, right.width, 1)
    left, right = extend(left, width, signed), extend(right, width, signed)
    if isinstance(left, Const) and not isinstance(right, Const) and operator in ("==", "!="):
        left, right = right, left
    if width == 1 and operator in ("==", "!=") and isinstance(right, Const):
        return left if bool(right.value) == (operator == "==") else invert(left)
    return Binary(1, operator, left, right, signed)


def reduce(operator: str, node: Expression) -> Expression:
    """All bits of a node joined by `&`, `|` or `^`."""
    if node.width == 0:
        return Const(1, int(operator == "&"))
    if node.width == 1:
        return node
    if isinstance(node, Extend):
        return reduce(operator, node.of) if operator == "|" else Unary(1, operator, node)
    if isinstance(node, Concat) and all(part.width == 1 for part in node.parts):
        if operator in ("&", "|"):
            join = both if operator == "&" else either
            result = node.parts[0]
            for part in node.parts[1:]:
                result = join(result, part)
            return result
    return Unary(1, operator, node)


def shift(width: int, operator: str, left: Expression, right: Expression) -> Expression:
    """`<<` of a node of its width, `>>` or `>>>` of a node that may be wider."""
    if not left.width:
        return Const(width, 0)
    if not isinstance(right, Const):
        whole = Binary(left.width, operator, left, right, operator == ">>>")
        return extend(whole, width, operator == ">>>")
    if operator == "<<":
        kept = max(0, width - right.value)
        return concat([Const(width - kept, 0), slice_of(left, 0, kept)])
    first = min(right.value, left.width - (operator == ">>>"))
    rest = slice_of(left, first, left.width - first)
    return extend(rest, width, operator == ">>>")
