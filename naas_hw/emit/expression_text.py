"""Verilog text of expressions, exact in width and sign.

What does not fit (see `evaluation.py`) gets a wire of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from naas_hw.emit import expressions as ex
from naas_hw.emit.evaluation import (
    fits,
    mode_alone,
    modes,
    modes_of_comparison,
    natural_width,
)
from naas_hw.emit.expressions import Expression
from naas_hw.emit.operator_text import ATOM, CHOICE, UNARY, Text, constant, joined, wrap


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
        for signed in modes(node):
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
        if extended or not (mode_alone(node) or self._is_signed(node)):
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
        signed = mode_alone(node)
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
                return Text(text, UNARY if text.startswith("-") else ATOM)
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
                return Text(node.operator + wrap(inner, ATOM), UNARY)
            case ex.Unary():
                inner = self._alone(node.of)
                return self._as_signed(Text(node.operator + wrap(inner, ATOM), UNARY), signed)
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
        condition = wrap(self._alone(node.condition), UNARY)
        true = wrap(self._at(node.true, width, signed), CHOICE + 1)
        false = wrap(self._at(node.false, width, signed), CHOICE)
        return Text(f"{condition} ? {true} : {false}", CHOICE)

    def _binary(self, node: ex.Binary, width: int, signed: bool) -> Text:
        operator = node.operator
        if operator in ex.COMPARISONS:
            return self._as_signed(self._comparison(node), signed)
        if operator in ex.LOGICAL:
            left, right = self._alone(node.left), self._alone(node.right)
            return self._as_signed(joined(operator, left, right), signed)
        left = self._at(node.left, width, signed)
        if operator in ex.SHIFTS:
            return joined(operator, left, self._alone(node.right))
        return joined(operator, left, self._at(node.right, width, signed))

    def _comparison(self, node: ex.Binary) -> Text:
        if isinstance(node.right, ex.Const) and node.operator in ("==", "!="):
            member = self.find_member(node.left, node.right.value)
            if member is not None:
                return joined(node.operator, self._alone(node.left), Text(member))
        for signed in modes_of_comparison(node):
            natural = max(natural_width(node.left, signed), natural_width(node.right, signed))
            both = (node.left, node.right)
            if all(fits(side, natural, signed) for side in both):
                left, right = (self._at(side, natural, signed) for side in both)
                if not signed and all(map(self._is_signed, both)):
                    left = Text(f"$unsigned({left.text})")
                return joined(node.operator, left, right)
        if not node.signed:
            left, right = (
                self._compared_alone(_unextended(side), node.left.width) for side in both
            )
            return joined(node.operator, left, right)
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


def _with_carry(node: Expression) -> Expression | None:
    """A sum whose first operand is extended explicitly, so that its text is wide enough."""
    match node:
        case ex.Binary(operator="+" | "-" | "*", left=ex.Extend(signed=False) as left):
            if isinstance(left.of, ex.Name | ex.Slice) and fits(node.right, node.width, False):
                zeros = ex.Const(left.width - left.of.width, 0)
                wide = ex.Concat(left.width, (left.of, zeros))
                return ex.Binary(node.width, node.operator, wide, node.right)
    return None
