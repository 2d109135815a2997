"""What the proofs of both kinds of AXI share: free inputs, and the rules of a handshake."""

from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Module, Signal, Value


def free(m: Module, *ports: Any) -> None:
    """Let inputs have any value, in each cycle another one."""
    for port in ports:
        m.d.comb += Value.cast(port).eq(AnySeq(len(Value.cast(port))))


def fixed(m: Module, *ports: Any) -> None:
    """Let inputs have any value, the same in all cycles."""
    for port in ports:
        m.d.comb += Value.cast(port).eq(AnyConst(len(Value.cast(port))))


def _kept(
    m: Module, name: str, valid: Value, ready: Value, payload: Value
) -> tuple[Signal, Signal]:
    """Whether a payload was offered and not accepted a cycle ago, and what it was."""
    was_kept = Signal(name=f"{name}_was_kept")
    before = Signal(len(payload), name=f"{name}_before")
    m.d.sync += [was_kept.eq(valid & ~ready), before.eq(payload)]
    return was_kept, before


def holds(m: Module, name: str, valid: Value, ready: Value, payload: Value) -> None:
    """Assert that a payload that is offered stays as it is until it is accepted."""
    was_kept, before = _kept(m, name, valid, ready, payload)
    m.d.comb += [Assert(~was_kept | valid), Assert(~was_kept | (payload == before))]


def promises(m: Module, name: str, valid: Value, ready: Value, payload: Value) -> None:
    """Assume the same of the other side."""
    was_kept, before = _kept(m, name, valid, ready, payload)
    m.d.comb += [Assume(~was_kept | valid), Assume(~was_kept | (payload == before))]


def is_offered(
    m: Module, name: str, valid: Value, ready: Value, accepted: Value, most: int
) -> Signal:
    """Assert that VALID is high exactly while payloads are held, whatever READY is; how many are.

    Parameters
    ----------
    valid, ready : of the channel that gives the payloads away.
    accepted : a payload comes, which is offered from the next cycle on.
    most : payloads that are held at a time.
    """
    held = Signal(range(most + 1), name=f"{name}_held")
    m.d.sync += held.eq(held + accepted - (valid & ready))
    m.d.comb += [Assert(held <= most), Assert(valid == (held != 0))]
    return held
