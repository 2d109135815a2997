"""Text of `always` blocks."""

from naas_hw.emit import expressions as ex
from naas_hw.emit.expression_text import ExpressionWriter
from naas_hw.emit.layout import STEP, wrapped
from naas_hw.emit.statements import Assign, Body, CaseOf, If, Statement


class BlockWriter:
    """Writes statements of one module.

    Parameters
    ----------
    writer : of the module's expressions.
    """

    def __init__(self, writer: ExpressionWriter) -> None:
        self.writer = writer

    def block(self, clock: str, body: Body) -> list[str]:
        """The lines of an `always` block at the rising edge of a clock."""
        start = f"{STEP}always @(posedge {clock})"
        return self._nested(start, body, STEP)

    def _nested(self, start: str, body: Body, indent: str) -> list[str]:
        """A body under `if`, `case` or `always`; `begin` where it is more than one assignment."""
        inside = [line for s in body for line in self._statement(s, indent + STEP)]
        if len(body) == 1 and (isinstance(body[0], Assign) or "always" in start):
            return [start, *inside]
        return [f"{start} begin", *inside, f"{indent}end"]

    def _statement(self, statement: Statement, indent: str) -> list[str]:
        match statement:
            case Assign():
                target = self.writer.target(statement.target)
                return wrapped(f"{target} <= {self._value(statement)};", indent)
            case If():
                return self._if(statement, indent)
            case CaseOf():
                return self._case(statement, indent)

    def _value(self, statement: Assign) -> str:
        if isinstance(statement.value, ex.Const):
            return self.writer.label(statement.target, statement.value.value)
        return self.writer.assigned(statement.value)

    def _if(self, statement: If, indent: str) -> list[str]:
        lines: list[str] = []
        word = "if"
        for condition, body in statement.branches:
            start = wrapped(f"{word} ({self.writer.alone(condition)})", indent)
            lines += self._continued(lines, start, body, indent)
            word = "else if"
        if statement.otherwise:
            lines += self._continued(lines, [f"{indent}else"], statement.otherwise, indent)
        return lines

    def _continued(self, before: list[str], start: list[str], body: Body, indent: str) -> list[str]:
        """One branch; its `else` stands behind the `end` of the branch before."""
        if before and before[-1] == f"{indent}end":
            before.pop()
            start = [f"{indent}end {start[0].strip()}", *start[1:]]
        return [*start[:-1], *self._nested(start[-1], body, indent)]

    def _case(self, statement: CaseOf, indent: str) -> list[str]:
        lines = [f"{indent}case ({self.writer.alone_unsigned(statement.selector)})"]
        width = statement.selector.width
        for values, body in statement.arms:
            labels = ", ".join(self.writer.label(statement.selector, value) for value in values)
            start = f"{indent}{STEP}{labels}:"
            lines += self._nested(start, body, indent + STEP) if body else [f"{start} ;"]
        if statement.otherwise:
            lines += self._nested(f"{indent}{STEP}default:", statement.otherwise, indent + STEP)
        elif sum(len(values) for values, _ in statement.arms) < 1 << width:
            lines.append(f"{indent}{STEP}default: ;")
        return [*lines, f"{indent}endcase"]
