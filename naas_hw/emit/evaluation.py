"""Which widths and signs Verilog gives the operands of an expression.

Verilog evaluates an expression at the width of its widest operand or of what it is assigned to, and
extends operands by their sign only where all of them are signed. `fits` says whether the text of a
node, evaluated at some width, is the value of the node extended to that width.

Source: IEEE 1364-2005, 5.4 and 5.5.
"""

from naas_hw.emit import expressions as ex
from naas_hw.emit.expressions import Expression


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
    return mode_alone(node) is not None


def mode_alone(node: Expression) -> bool | None:
    """Whether the text with nothing around it has signed operands; None: it does not fit."""
    for signed in modes(node):
        if natural_width(node, signed) == node.width and fits(node, node.width, signed):
            return signed
    return None


def modes_of_comparison(node: ex.Binary) -> tuple[bool, ...]:
    """The signs that the texts of both operands may have."""
    if node.signed:
        return (True,)
    half = 1 << node.left.width >> 1
    small = all(range_of(side, False)[1] < half for side in (node.left, node.right))
    return (False, True) if small or node.operator in ("==", "!=") else (False,)


def modes(node: Expression) -> tuple[bool, bool]:
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
