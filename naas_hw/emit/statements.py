"""What registers take at a clock edge, as `if` and `case` statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from naas_hw.emit import expressions as ex
from naas_hw.emit.expressions import Expression
from naas_hw.emit.logic import ModuleLogic
from naas_hw.emit.netlist import Assignment, Cell, Switch
from naas_hw.emit.netlist import Statement as NetlistStatement


@dataclass(frozen=True)
class Assign:
    """`target <= value`."""

    target: Expression
    value: Expression


@dataclass(frozen=True)
class If:
    """`if`, `else if` and, where `otherwise` is not empty, `else`."""

    branches: "tuple[tuple[Expression, Body], ...]"
    otherwise: "Body" = ()


@dataclass(frozen=True)
class CaseOf:
    """`case`; arms are (constants, body), `otherwise` is the default."""

    selector: Expression
    arms: "tuple[tuple[tuple[int, ...], Body], ...]"
    otherwise: "Body" = ()


Statement = Assign | If | CaseOf
Body = tuple[Statement, ...]


def statements_of(logic: ModuleLogic, register: str, cell: Cell) -> Body:
    """What a register does at a clock edge."""
    target = ex.Name(logic.module.wires[register].width, register)
    wire = logic.next_value_of(cell)
    if wire is None:
        return (Assign(target, logic.resolve(cell.ports["D"])),)
    first, *rest = _Translation(logic, target).body(logic.processes[wire])
    body = tuple(rest) if first == Assign(target, target) else (first, *rest)
    return _simplified(body, target)


class _Translation:
    """From the statements of a process, with the register in place of the process' wire."""

    def __init__(self, logic: ModuleLogic, register: ex.Name) -> None:
        self.logic = logic
        self.register = register

    def body(self, statements: Iterable[NetlistStatement]) -> Body:
        body: list[Statement] = []
        for statement in statements:
            translated = self._statement(statement)
            if isinstance(translated, If) and not translated.branches:
                body += translated.otherwise
            else:
                body.append(translated)
        return tuple(body)

    def _statement(self, statement: NetlistStatement) -> Statement:
        if isinstance(statement, Assignment):
            bits = statement.target
            target = ex.slice_of(self.register, bits.low, bits.width)
            return Assign(target, self.logic.resolve(statement.value))
        return self._switch(statement)

    def _switch(self, switch: Switch) -> Statement:
        constants = [p for case in switch.cases for p in case.patterns]
        if len(constants) > 2 and not any("-" in pattern for pattern in constants):
            return self._case_of(switch)
        branches: list[tuple[Expression, Body]] = []
        for case in switch.cases:
            condition = self.logic.condition_of(switch.selector, case.patterns)
            if condition is None:
                return If(tuple(branches), self.body(case.body))
            branches.append((condition, self.body(case.body)))
        return If(tuple(branches))

    def _case_of(self, switch: Switch) -> Statement:
        """A value that several arms name belongs to the first of them."""
        seen: set[int] = set()
        arms: list[tuple[tuple[int, ...], Body]] = []
        for case in switch.cases:
            if not case.patterns:
                return CaseOf(
                    self.logic.resolve(switch.selector), tuple(arms), self.body(case.body)
                )
            values = tuple(sorted({int(p, 2) for p in case.patterns} - seen))
            seen.update(values)
            if values:
                arms.append((values, self.body(case.body)))
        return CaseOf(self.logic.resolve(switch.selector), tuple(arms))


# ---------------------------------------------------------------- as a person writes it


def _simplified(body: Body, target: ex.Name) -> Body:
    """The same with the last word first: `if (reset) ... else ...`."""
    statements = [_simplified_inside(statement, target) for statement in body]
    statements = [s for s in statements if not isinstance(s, If) or s.branches or s.otherwise]
    while len(statements) > 1 and _sets_all(statements[-1], target):
        last = statements.pop()
        assert isinstance(last, If)
        statements = [_flat(If(last.branches, _simplified(tuple(statements), target)))]
    return tuple(_flat(s) if isinstance(s, If) else s for s in statements)


def _simplified_inside(statement: Statement, target: ex.Name) -> Statement:
    if isinstance(statement, Assign):
        return statement
    otherwise = _simplified(statement.otherwise, target)
    if isinstance(statement, If):
        branches = [(c, _simplified(body, target)) for c, body in statement.branches]
        while branches and not branches[-1][1] and not otherwise:
            branches.pop()
        return If(tuple(branches), otherwise)
    arms = [(values, _simplified(body, target)) for values, body in statement.arms]
    if not otherwise:
        arms = [(values, body) for values, body in arms if body]
    return CaseOf(statement.selector, tuple(arms), otherwise) if arms or otherwise else If(())


def _sets_all(statement: Statement, target: ex.Name) -> bool:
    """Whether an `if` without `else` assigns the whole register in all of its branches."""
    return (
        isinstance(statement, If)
        and bool(statement.branches)
        and not statement.otherwise
        and all(
            len(body) == 1 and isinstance(body[0], Assign) and body[0].target == target
            for _, body in statement.branches
        )
    )


def _flat(statement: If) -> If:
    """An `if` in an `else` as `else if`; neighbours that do the same as one branch.

    A branch that does nothing before the last becomes a part of the last one's condition.
    """
    branches, otherwise = list(statement.branches), statement.otherwise
    while len(otherwise) == 1 and isinstance(otherwise[0], If):
        branches += otherwise[0].branches
        otherwise = otherwise[0].otherwise
    joined: list[tuple[Expression, Body]] = []
    for condition, body in branches:
        if joined and joined[-1][1] == body:
            joined[-1] = (ex.either(joined[-1][0], condition), body)
        else:
            joined.append((condition, body))
    if len(joined) > 1 and not joined[-2][1] and not otherwise:
        (idle, _), (condition, body) = joined[-2:]
        joined[-2:] = [(ex.both(ex.invert(idle), condition), body)]
    return If(tuple(joined), otherwise)


# ---------------------------------------------------------------- several registers in one block


def grouped(bodies: Sequence[Body]) -> list[Body]:
    """Bodies of registers that the same conditions govern, joined; in the order of the first."""
    groups: dict[object, list[Body]] = {}
    for body in bodies:
        groups.setdefault(_skeleton(body), []).append(body)
    return [_merged(group) for group in groups.values()]


def _skeleton(body: Body) -> tuple[object, ...]:
    """The control structure without what is assigned."""
    shape: list[object] = []
    for statement in body:
        match statement:
            case Assign():
                shape.append("=")
            case If():
                inside = tuple((c, _skeleton(b)) for c, b in statement.branches)
                shape.append((inside, _skeleton(statement.otherwise)))
            case CaseOf():
                arms = tuple((v, _skeleton(b)) for v, b in statement.arms)
                shape.append((statement.selector, arms, _skeleton(statement.otherwise)))
    return tuple(shape)


def _merged(bodies: Sequence[Body]) -> Body:
    """Bodies with one skeleton, as one: each run of assignments is followed by those of the next.

    The time is linear in the number of statements: thousands of registers may share a condition.
    """
    first = bodies[0]
    merged: list[Statement] = []
    for is_run, places in groupby(range(len(first)), lambda i: isinstance(first[i], Assign)):
        if is_run:
            run = list(places)
            merged += [body[place] for body in bodies for place in run]
        else:
            merged += [_merged_inside([body[place] for body in bodies]) for place in places]
    return tuple(merged)


def _merged_inside(statements: Sequence[Statement]) -> Statement:
    first = statements[0]
    if isinstance(first, If):
        ifs = [each for each in statements if isinstance(each, If)]
        branches = tuple(
            (condition, _merged([each.branches[number][1] for each in ifs]))
            for number, (condition, _) in enumerate(first.branches)
        )
        return If(branches, _merged([each.otherwise for each in ifs]))
    assert isinstance(first, CaseOf)
    cases = [each for each in statements if isinstance(each, CaseOf)]
    arms = tuple(
        (values, _merged([each.arms[number][1] for each in cases]))
        for number, (values, _) in enumerate(first.arms)
    )
    return CaseOf(first.selector, arms, _merged([each.otherwise for each in cases]))
