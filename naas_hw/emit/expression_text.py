"""Verilog text of expressions, exact in width and sign.

Verilog evaluates an expression at the width of its widest operand or of what it is assigned to, and
extends operands by their sign only where all of them are signed. `fits` says whether the text of a
node, evaluated at some width, is the value of the node extended to that width. What does not fit
gets a wire of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from naas_hw.emit import expressions as ex
from naas_hw.emit.expressions import Expression

MAX_DECIMAL_WIDTH: Final = 16
"""Constants that are wider, and large, are written in hexadecimal."""
MAX_DECIMAL: Final = 999

_PRECEDENCE: Final = {
    "*": 11,
    "+": 10,
    "-": 10,
    "<<": 9,
    ">>": 9,
    ">>>": 9,
    "<": 8,
    "<=": 8,
    ">": 8,
    ">=": 8,
    "==": 7,
    "!=": 7,
    "&": 6,
    "^": 5,
    "|": 4,
    "&&": 3,
    "||": 2,
}
_UNARY: Final = 12
_CHOICE: Final = 1
_ATOM: Final = 13
_ASSOCIATIVE: Final = frozenset({"+", "*", "&", "|", "^", "&&", "||"})


@dataclass(frozen=True)
class Text:
    """Text of an expression, and how tightly its outermost operator binds."""

    text: str
    precedence: int = _ATOM


@dataclass(frozen=True)
class Identifier:
    """What a wire is called.

    Parameters
    ----------
    name : in Verilog.
    signed : whether it is declared as signed.
    """

    name: str
    signed: bool = False


def range_of(node: Expression, signed: bool) -> tuple[int, int]:
    """The least and the greatest value of a node's bits as a number."""
    if isinstance(node, ex.Const):
        value = node.value
        if signed and node.width and value >> (node.width - 1):
            value -= 1 << node.width
        return value, value
    if isinstance(node, ex.Extend) and (node.signed == signed or not node.signed):
        return range_of(node.of, node.signed)
    if signed:
        return -(1 << node.width >> 1), (1 << node.width >> 1) - 1
    return 0, (1 << node.width) - 1


def is_exact(node: ex.Binary, signed: bool) -> bool:
    """Whether arithmetic gives the true number: no carry is dropped."""
    low_a, high_a = range_of(node.left, signed)
    low_b, high_b = range_of(node.right, signed)
    if node.operator == "+":
        low, high = low_a + low_b, high_a + high_b
    elif node.operator == "-":
        low, high = low_a - high_b, high_a - low_b
    else:
        products = [a * b for a in (low_a, high_a) for b in (low_b, high_b)]
        low, high = min(products), max(products)
    least = -(1 << node.width >> 1) if signed else 0
    return least <= low and high < least + (1 << node.width)


def natural_width(node: Expression, signed: bool) -> int:
    """The width that the text of a node has by itself."""
    match node:
        case ex.Extend():
            if node.signed == signed:
                return natural_width(node.of, signed)
            return node.of.width + 1 if signed else node.width
        case ex.Unary(operator="~" | "-"):
            return natural_width(node.of, signed)
        case ex.Binary(operator=operator) if operator in ex.SHIFTS:
            return natural_width(node.left, signed)
        case ex.Binary(operator=operator) if operator not in ex.COMPARISONS | ex.LOGICAL:
            return max(natural_width(node.left, signed), natural_width(node.right, signed))
        case ex.Mux():
            return max(natural_width(node.true, signed), natural_width(node.false, signed))
        case _:
            return node.width


def fits(node: Expression, width: int, signed: bool) -> bool:
    """Whether the text, evaluated at a width, is the value extended to it (see above)."""
    if width < node.width:
        return False
    match node:
        case ex.Extend():
            if node.signed == signed:
                return fits(node.of, width, signed)
            return isinstance(node.of, ex.Name | ex.Slice) or (
                not node.signed and fits_alone(node.of)
            )
        case ex.Unary(operator="~"):
            return (signed or width == node.width) and fits(node.of, width, signed)
        case ex.Unary(operator="-"):
            return width == node.width and fits(node.of, width, signed)
        case ex.Binary():
            return _operation_fits(node, width, signed)
        case ex.Mux():
            return fits(node.true, width, signed) and fits(node.false, width, signed)
        case ex.Part():
            return False
        case _:
            return True


def _operation_fits(node: ex.Binary, width: int, signed: bool) -> bool:
    left, right = fits(node.left, width, signed), fits(node.right, width, signed)
    match node.operator:
        case operator if operator in ex.COMPARISONS | ex.LOGICAL:
            return True
        case "<<":
            return width == node.width and left
        case ">>":
            return (not signed or width == node.width) and left
        case ">>>":
            return signed and left
        case operator if operator in ex.BITWISE:
            return left and right
        case _:
            return (width == node.width or is_exact(node, signed)) and left and right


def fits_alone(node: Expression) -> bool:
    """Whether the text has the width and the value of the node with nothing around it."""
    return _mode_alone(node) is not None


def _mode_alone(node: Expression) -> bool | None:
    """Whether the text with nothing around it has signed operands; None: it does not fit."""
    for signed in _modes(node):
        if natural_width(node, signed) == node.width and fits(node, node.width, signed):
            return signed
    return None


class ExpressionWriter:
    """Writes expressions of one module.

    Parameters
    ----------
    identifiers : wire -> what it is called.
    add_wire : declares a wire for an expression, and gives its name as an expression.
    find_field : the name of a field of a record that some bits of a wire are; None: they are none.
    find_member : the name of a value where a wire or some of its bits are an enum.
    """

    def __init__(
        self,
        identifiers: Mapping[str, Identifier],
        add_wire: Callable[[Expression], ex.Name],
        find_field: Callable[[ex.Slice], str | None],
        find_member: Callable[[Expression, int], str | None],
    ) -> None:
        self.identifiers = identifiers
        self.add_wire = add_wire
        self.find_field = find_field
        self.find_member = find_member

    # ------------------------------------------------------------ whole expressions

    def assigned(self, node: Expression) -> str:
        """The text of what is assigned to a target of the node's width."""
        if isinstance(node, ex.Part) and node.low == 0 and isinstance(node.of, ex.Binary):
            if node.of.operator == ">>" and self._is_simple(node.of.left):
                return self._at(node.of, natural_width(node.of, False), False).text
        for signed in _modes(node):
            if natural_width(node, signed) <= node.width and fits(node, node.width, signed):
                return self._at(node, node.width, signed).text
        return self.assigned(self._repaired(node, node.width))

    def target(self, node: Expression) -> str:
        """A wire or some of its bits, as they stand on the left of an assignment."""
        if isinstance(node, ex.Name):
            return self.identifiers[node.name].name
        assert isinstance(node, ex.Slice)
        high = node.low + node.width - 1
        bits = f"{high}" if node.width == 1 else f"{high}:{node.low}"
        return f"{self.identifiers[node.of.name].name}[{bits}]"

    def alone(self, node: Expression) -> str:
        """The text of an operand whose width nothing around it changes."""
        return self._alone(node).text

    def alone_unsigned(self, node: Expression) -> str:
        """The same where nothing around it may see a sign: an index, the selector of a case."""
        return self._alone_unsigned(node).text

    def _alone_unsigned(self, node: Expression) -> Text:
        text = self._alone(node)
        extended = isinstance(node, ex.Extend) and not node.signed
        if extended or not (_mode_alone(node) or self._is_signed(node)):
            return text
        return Text(f"$unsigned({text.text})")

    def _compared_alone(self, node: Expression, width: int) -> Text:
        """The text of an operand of an unsigned comparison at a width that may be greater."""
        text = self._alone_unsigned(node)
        plain = width == node.width or fits(node, width, False)
        if plain or text.text.startswith("$unsigned("):
            return text
        return Text(f"$unsigned({text.text})")

    def _alone(self, node: Expression) -> Text:
        if isinstance(node, ex.Extend) and not node.signed:
            zeros = ex.Const(node.width - node.of.width, 0)
            parts = node.of.parts if isinstance(node.of, ex.Concat) else (node.of,)
            return self._concat(ex.Concat(node.width, (*parts, zeros)))
        signed = _mode_alone(node)
        if signed is not None:
            return self._at(node, node.width, signed)
        wider = _with_carry(node)
        if wider is not None:
            return self._alone(wider)
        if self._is_simple(node):
            return self._at(node, node.width, False)
        return self._alone(self._named(node))

    @staticmethod
    def _is_simple(node: Expression) -> bool:
        return isinstance(node, ex.Name | ex.Slice | ex.Const)

    def _repaired(self, node: Expression, width: int) -> Expression:
        """The same node with those operands in wires of their own that do not fit."""
        if isinstance(node, ex.Part):
            return ex.slice_of(self.add_wire(node.of), node.low, node.width)
        if isinstance(node, ex.Extend):
            return ex.Extend(node.width, self._named(node.of), node.signed)

        signed = isinstance(node, ex.Binary) and node.operator == ">>>"

        def repair(child: Expression) -> Expression:
            inner = child.of if isinstance(child, ex.Extend) else child
            if self._is_simple(inner):
                return child
            if fits(child, width, signed) and natural_width(child, signed) <= width:
                return child
            if isinstance(child, ex.Extend):
                return ex.Extend(child.width, self._named(inner), child.signed)
            return self._named(child)

        return ex.map_children(node, repair)

    def label(self, selector: Expression, value: int) -> str:
        """A constant that a selector is compared with, by its name where it has one."""
        plain = constant(ex.Const(selector.width, value), selector.width, False)
        return self.find_member(selector, value) or plain

    # ------------------------------------------------------------ nodes

    def _at(self, node: Expression, width: int, signed: bool) -> Text:
        """The text of a node that fits, at a width."""
        match node:
            case ex.Const():
                text = constant(node, max(width, node.width), signed)
                return Text(text, _UNARY if text.startswith("-") else _ATOM)
            case ex.Name() if self._is_signed(node) and not signed and width > node.width:
                return Text(f"$unsigned({self.identifiers[node.name].name})")
            case ex.Name() | ex.Slice() | ex.Pick() | ex.Word():
                return self._selection(node, signed)
            case ex.Extend():
                return self._extension(node, width, signed)
            case ex.Concat():
                return self._as_signed(self._concat(node), signed)
            case ex.Unary(operator="~" | "-"):
                inner = self._at(node.of, width, signed)
                return Text(node.operator + _wrap(inner, _ATOM), _UNARY)
            case ex.Unary():
                inner = self._alone(node.of)
                return self._as_signed(Text(node.operator + _wrap(inner, _ATOM), _UNARY), signed)
            case ex.Mux():
                return self._choice(node, width, signed)
            case ex.Binary():
                return self._binary(node, width, signed)
            case _:
                raise TypeError(f"an expression must be one that Verilog has, not {node!r}")

    def _as_signed(self, text: Text, signed: bool) -> Text:
        return Text(f"$signed({text.text})") if signed else text

    def _selection(self, node: Expression, signed: bool) -> Text:
        match node:
            case ex.Name():
                identifier = self.identifiers[node.name]
                text = Text(identifier.name)
                return text if identifier.signed else self._as_signed(text, signed)
            case ex.Slice():
                bits = self.find_field(node) or self.target(node)
                return self._as_signed(Text(bits), signed)
            case ex.Pick():
                return self._as_signed(self._pick(node), signed)
            case ex.Word():
                name = self.identifiers[node.memory].name
                return self._as_signed(Text(f"{name}[{self.alone_unsigned(node.address)}]"), signed)
        raise AssertionError(node)

    def _pick(self, node: ex.Pick) -> Text:
        name = self.identifiers[node.of.name].name
        bits = max(1, (node.of.width - 1).bit_length())
        position, shift = node.index, node.stride.bit_length() - 1
        if node.stride == 1 << shift:
            position = ex.concat((ex.Const(shift, 0), position))
        else:
            stride = ex.Const(bits, node.stride)
            position = ex.Binary(bits, "*", ex.extend(position, bits, False), stride)
        if node.low:
            low = ex.Const(bits, node.low)
            position = ex.Binary(bits, "+", low, ex.extend(position, bits, False))
        first = self.alone_unsigned(position)
        selected = first if node.width == 1 else f"{first} +: {node.width}"
        return Text(f"{name}[{selected}]")

    def _extension(self, node: ex.Extend, width: int, signed: bool) -> Text:
        if node.signed == signed:
            return self._at(node.of, width, signed)
        added = node.width - node.of.width
        inner = self._alone(node.of).text
        if not node.signed:
            return Text(f"$signed({{1'b0, {inner}}})")
        top = ex.slice_of(node.of, node.of.width - 1, 1)
        sign = self._alone(top).text
        if node.of.width == 1:
            return Text(f"{{{node.width}{{{sign}}}}}")
        return Text(f"{{{sign if added == 1 else f'{{{added}{{{sign}}}}}'}, {inner}}}")

    def _concat(self, node: ex.Concat) -> Text:
        pieces: list[tuple[str, int]] = []
        for part in reversed(node.parts):
            text = self._alone(part).text
            if pieces and pieces[-1][0] == text:
                pieces[-1] = (text, pieces[-1][1] + 1)
            else:
                pieces.append((text, 1))
        words = [text if count == 1 else f"{{{count}{{{text}}}}}" for text, count in pieces]
        return Text(words[0] if len(pieces) == 1 else "{" + ", ".join(words) + "}")

    def _choice(self, node: ex.Mux, width: int, signed: bool) -> Text:
        condition = _wrap(self._alone(node.condition), _UNARY)
        true = _wrap(self._at(node.true, width, signed), _CHOICE + 1)
        false = _wrap(self._at(node.false, width, signed), _CHOICE)
        return Text(f"{condition} ? {true} : {false}", _CHOICE)

    def _binary(self, node: ex.Binary, width: int, signed: bool) -> Text:
        operator = node.operator
        if operator in ex.COMPARISONS:
            return self._as_signed(self._comparison(node), signed)
        if operator in ex.LOGICAL:
            left, right = self._alone(node.left), self._alone(node.right)
            return self._as_signed(_joined(operator, left, right), signed)
        left = self._at(node.left, width, signed)
        if operator in ex.SHIFTS:
            return _joined(operator, left, self._alone(node.right))
        return _joined(operator, left, self._at(node.right, width, signed))

    def _comparison(self, node: ex.Binary) -> Text:
        if isinstance(node.right, ex.Const) and node.operator in ("==", "!="):
            member = self.find_member(node.left, node.right.value)
            if member is not None:
                return _joined(node.operator, self._alone(node.left), Text(member))
        for signed in _modes_of_comparison(node):
            natural = max(natural_width(node.left, signed), natural_width(node.right, signed))
            both = (node.left, node.right)
            if all(fits(side, natural, signed) for side in both):
                left, right = (self._at(side, natural, signed) for side in both)
                if not signed and all(map(self._is_signed, both)):
                    left = Text(f"$unsigned({left.text})")
                return _joined(node.operator, left, right)
        if not node.signed:
            left, right = (
                self._compared_alone(_unextended(side), node.left.width) for side in both
            )
            return _joined(node.operator, left, right)
        repaired = self._repaired(node, node.left.width)
        assert isinstance(repaired, ex.Binary)
        if repaired == node:
            repaired = ex.Binary(
                1, node.operator, self._named(node.left), self._named(node.right), node.signed
            )
        return self._comparison(repaired)

    def _is_signed(self, node: Expression) -> bool:
        """Whether the text of a node that is read as unsigned is signed: all its wires are."""
        match node:
            case ex.Name():
                return self.identifiers[node.name].signed
            case ex.Extend(signed=False) | ex.Unary(operator="~" | "-"):
                return self._is_signed(node.of)
            case ex.Mux():
                return self._is_signed(node.true) and self._is_signed(node.false)
            case ex.Binary(operator=operator) if operator in ex.SHIFTS:
                return self._is_signed(node.left)
            case ex.Binary(operator=operator) if operator not in ex.COMPARISONS | ex.LOGICAL:
                return self._is_signed(node.left) and self._is_signed(node.right)
        return False

    def _named(self, node: Expression) -> Expression:
        if self._is_simple(node):
            return node
        if isinstance(node, ex.Part):
            return ex.slice_of(self.add_wire(node.of), node.low, node.width)
        return self.add_wire(node)


def _unextended(node: Expression) -> Expression:
    """A node without the zeros that an unsigned comparison adds by itself."""
    return node.of if isinstance(node, ex.Extend) and not node.signed else node


def _modes_of_comparison(node: ex.Binary) -> tuple[bool, ...]:
    """The signs that the texts of both operands may have."""
    if node.signed:
        return (True,)
    half = 1 << node.left.width >> 1
    small = all(range_of(side, False)[1] < half for side in (node.left, node.right))
    return (False, True) if small or node.operator in ("==", "!=") else (False,)


def _modes(node: Expression) -> tuple[bool, bool]:
    """Whether to try signed operands first: where an operand is extended by its sign."""
    signed = _extends_signs(node)
    return signed, not signed


def _extends_signs(node: Expression) -> bool:
    match node:
        case ex.Extend():
            return node.signed and node.of.width > 1
        case ex.Binary(operator=operator) if operator in ex.COMPARISONS | ex.LOGICAL:
            return False
        case ex.Binary(operator=operator) if operator in ex.SHIFTS:
            return operator == ">>>" or _extends_signs(node.left)
        case ex.Binary():
            return _extends_signs(node.left) or _extends_signs(node.right)
        case ex.Mux():
            return _extends_signs(node.true) or _extends_signs(node.false)
        case ex.Unary(operator="~" | "-"):
            return _extends_signs(node.of)
        case _:
            return False


def _with_carry(node: Expression) -> Expression | None:
    """A sum whose first operand is extended explicitly, so that its text is wide enough."""
    match node:
        case ex.Binary(operator="+" | "-" | "*", left=ex.Extend(signed=False) as left):
            if isinstance(left.of, ex.Name | ex.Slice) and fits(node.right, node.width, False):
                zeros = ex.Const(left.width - left.of.width, 0)
                wide = ex.Concat(left.width, (left.of, zeros))
                return ex.Binary(node.width, node.operator, wide, node.right)
    return None


def constant(node: ex.Const, width: int, signed: bool) -> str:
    """A sized constant: decimal where it is small, else hexadecimal."""
    value = node.value
    if signed and node.width and value >> (node.width - 1):
        magnitude = (1 << node.width) - value
        if magnitude < 1 << (width - 1):
            return f"-{width}'sd{magnitude}"
        return f"{width}'sh{value:x}"
    mark = "s" if signed else ""
    if width == 1:
        return f"1'{mark}b{value}"
    if not signed and value == (1 << width) - 1 and width > MAX_DECIMAL_WIDTH:
        return f"{{{width}{{1'b1}}}}"
    if value <= MAX_DECIMAL:
        return f"{width}'{mark}d{value}"
    return f"{width}'{mark}h{value:x}"


def _wrap(text: Text, least: int) -> str:
    return text.text if text.precedence >= least else f"({text.text})"


def _joined(operator: str, left: Text, right: Text) -> Text:
    """Two operands with brackets where precedence, or a reader, needs them."""
    own = _PRECEDENCE[operator]
    return Text(
        f"{_operand(operator, left, own)} {operator} "
        f"{_operand(operator, right, own + (operator not in _ASSOCIATIVE))}",
        own,
    )


_UNBRACKETED: Final = {
    "+": {11},
    "-": {11},
    "<": {9, 10, 11},
    "<=": {10, 11},
    ">": {10, 11},
    ">=": {10, 11},
    "==": {10, 11},
    "!=": {10, 11},
    "&&": {7, 8},
    "||": {7, 8},
}
"""Precedences of operands that are well known to bind tighter."""


def _operand(operator: str, text: Text, least: int) -> str:
    own = _PRECEDENCE[operator]
    plain = (
        text.precedence >= _UNARY
        or text.precedence in _UNBRACKETED.get(operator, ())
        or (text.precedence == own and least == own)
    )
    return text.text if plain else f"({text.text})"
