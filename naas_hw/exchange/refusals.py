"""What a peer's format cannot say of a network: every such layer in one sentence."""

from collections.abc import Iterable

from naas_hw.core.errors import InputError


def refuse(reasons: Iterable[tuple[str, str | None]], rule: str = "") -> None:
    """Raise if a layer has a reason; layers of the same reason are named together.

    Parameters
    ----------
    reasons : name of a layer, and why it is refused; None where it is not.
    rule : of the format, behind all reasons.

    Raises
    ------
    InputError : names every layer that has a reason, and the reason.
    """
    layers_of_reason: dict[str, list[str]] = {}
    for name, reason in reasons:
        if reason is not None:
            layers_of_reason.setdefault(reason, []).append(name)
    if layers_of_reason:
        parts = [f"{_layers(names)}: {reason}" for reason, names in layers_of_reason.items()]
        raise InputError("; ".join(parts) + (f": {rule}" if rule else ""))


def _layers(names: list[str]) -> str:
    """`layer a`, or `layers a, b and c`."""
    if len(names) == 1:
        return f"layer {names[0]}"
    return f"layers {', '.join(names[:-1])} and {names[-1]}"
