"""Records that are driven field by field: each field is printed as a register or wire of its own.

The record itself is the fields side by side, for those who read it as a whole.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from naas_hw.emit import expressions as ex
from naas_hw.emit.expressions import Expression
from naas_hw.emit.statements import Assign, Body, CaseOf, If, Statement


@dataclass(frozen=True)
class FieldWire:
    """A field of a record as a wire of its own.

    Parameters
    ----------
    name : of the wire among the expressions.
    low, width : the bits of the record.
    """

    name: str
    low: int
    width: int


def choose_fields(
    width: int, fields: Collection[tuple[int, int]], bounds: Collection[int]
) -> list[tuple[int, int]]:
    """The fields that cover a record, each as large as it can be; none where they do not cover it.

    Parameters
    ----------
    width : of the record.
    fields : (first bit, width) of each field, those inside of other fields included.
    bounds : bits at which something new begins; there is none inside of a field that has fields.
    """
    chosen: list[tuple[int, int]] = []
    low = 0
    while low < width:
        widths = sorted(size for first, size in fields if first == low and size < width)
        if not widths:
            return []
        whole = [size for size in widths if not any(low < b < low + size for b in bounds)]
        size = whole[-1] if whole else widths[0]
        chosen.append((low, size))
        low += size
    return chosen


def bounds_of_targets(body: Body, register: str) -> set[int]:
    """First bits and ends of the pieces of a register that statements assign."""
    targets = [t for t in _targets(body) if isinstance(t, ex.Slice) and t.of.name == register]
    return {bound for t in targets for bound in (t.low, t.low + t.width)}


def bounds_of_parts(value: Expression) -> set[int]:
    """Bits at which the parts of a concatenation begin and end; none of another expression."""
    if isinstance(value, ex.Extend) and not value.signed:
        return bounds_of_parts(value.of)
    if not isinstance(value, ex.Concat):
        return set()
    ends = [0]
    for part in value.parts:
        ends.append(ends[-1] + part.width)
    return set(ends)


def _targets(body: Body) -> Iterator[Expression]:
    for statement in body:
        match statement:
            case Assign():
                yield statement.target
            case If():
                for _, inside in statement.branches:
                    yield from _targets(inside)
                yield from _targets(statement.otherwise)
            case CaseOf():
                for _, inside in statement.arms:
                    yield from _targets(inside)
                yield from _targets(statement.otherwise)


def assign_fields(body: Body, records: Mapping[str, Sequence[FieldWire]]) -> Body:
    """The same statements with assignments to fields in place of those to records.

    Parameters
    ----------
    records : register -> its fields.
    """
    return tuple(new for statement in body for new in _with_fields(statement, records))


def _with_fields(
    statement: Statement, records: Mapping[str, Sequence[FieldWire]]
) -> Iterator[Statement]:
    match statement:
        case Assign():
            yield from _assignments(statement, records)
        case If():
            branches = tuple((c, assign_fields(b, records)) for c, b in statement.branches)
            yield If(branches, assign_fields(statement.otherwise, records))
        case CaseOf():
            arms = tuple((values, assign_fields(b, records)) for values, b in statement.arms)
            otherwise = assign_fields(statement.otherwise, records)
            yield replace(statement, arms=arms, otherwise=otherwise)


def _assignments(
    statement: Assign, records: Mapping[str, Sequence[FieldWire]]
) -> Iterator[Statement]:
    target = statement.target
    assert isinstance(target, ex.Name | ex.Slice)
    record, start = (
        (target.of.name, target.low)
        if isinstance(target, ex.Slice)
        else (
            target.name,
            0,
        )
    )
    if record not in records:
        yield statement
        return
    for field in records[record]:
        first, end = max(start, field.low), min(start + target.width, field.low + field.width)
        if first < end:
            wire = ex.Name(field.width, field.name)
            yield Assign(
                ex.slice_of(wire, first - field.low, end - first),
                ex.slice_of(statement.value, first - start, end - first),
            )
