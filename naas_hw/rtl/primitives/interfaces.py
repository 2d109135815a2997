"""Parts of interfaces, so that `connect` joins what two different interfaces have in common."""

from typing import Any

from amaranth.lib import wiring


def part_of(interface: Any, *names: str) -> wiring.PureInterface:
    """The members of these names as an interface; it consists of the same signals.

    Parameters
    ----------
    interface : an interface or a component.
    names : of members that are ports.
    """
    members = interface.signature.members
    part = wiring.Signature({name: members[name] for name in names}).create()
    for name in names:
        setattr(part, name, getattr(interface, name))
    return part
