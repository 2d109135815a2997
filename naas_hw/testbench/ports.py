"""Ports of a simulated module, by the prefix of their bus."""

from typing import Any


class BusPorts:
    """The signals of a bus: `bus.awvalid` is the port `PREFIX_awvalid`.

    Parameters
    ----------
    dut : the simulated module.
    prefix : of its ports, without the last underscore.
    """

    def __init__(self, dut: Any, prefix: str) -> None:
        self._dut = dut
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dut, f"{self._prefix}_{name}")


def is_high(signal: Any) -> bool:
    """Whether a signal of one bit is 1; X is not."""
    return bool(signal.value == 1)


def number(signal: Any) -> int:
    """A signal as a number.

    Raises
    ------
    ValueError : a bit of it is X or Z.
    """
    value = signal.value
    if not value.is_resolvable:
        raise ValueError(f"{signal._name} must be a number, not {value}")
    return int(value.to_unsigned())
