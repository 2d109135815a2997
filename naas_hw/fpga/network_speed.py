"""How fast a network is on a board: cycles by the model, at the board's clock."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NetworkSpeed:
    """A network of a run, on its board.

    Parameters
    ----------
    name : of the network.
    cycles : of all its layers, as the cost model predicts them.
    images_per_second : at the clock of the board.
    """

    name: str
    cycles: int
    images_per_second: float


def network_speed(name: str, cycles: int, *, clock_mhz: float) -> NetworkSpeed:
    """The speed of a network at a clock.

    Examples
    --------
    >>> network_speed("net", 2_000_000, clock_mhz=50.0).images_per_second
    25.0
    """
    speed = round(1e6 * clock_mhz / cycles, 3)
    return NetworkSpeed(name=name, cycles=cycles, images_per_second=speed)
