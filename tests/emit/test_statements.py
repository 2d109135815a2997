"""Registers that the same conditions govern share an `if`."""

from naas_hw.emit import expressions as ex
from naas_hw.emit.statements import Assign, Body, If, grouped

ENABLE = ex.Name(1, "enable")


def assigned(name: str) -> Assign:
    return Assign(ex.Name(1, name), ex.Name(1, f"next_{name}"))


def enabled(*names: str) -> Body:
    return (If(((ENABLE, tuple(map(assigned, names))),), ()),)


def test_bodies_of_one_condition_become_one_in_their_order() -> None:
    free: Body = (assigned("free"),)
    assert grouped([enabled("a"), free, enabled("b"), enabled("c")]) == [
        enabled("a", "b", "c"),
        free,
    ]


def test_a_run_of_assignments_is_followed_by_those_of_the_next_body() -> None:
    def body(name: str) -> Body:
        return (assigned(f"{name}0"), assigned(f"{name}1"), *enabled(name), assigned(f"{name}2"))

    names = [f"{name}{place}" for place in (0, 1) for name in "xy"]
    merged = grouped([body("x"), body("y")])
    runs = [assigned(name) for name in sorted(names)]
    assert merged == [(*runs, *enabled("x", "y"), assigned("x2"), assigned("y2"))]


def test_thousands_of_registers_of_one_condition_are_one_block() -> None:
    """Merged one after the other, they would take hours."""
    names = [f"r{number}" for number in range(5000)]
    assert grouped([enabled(name) for name in names]) == [enabled(*names)]
