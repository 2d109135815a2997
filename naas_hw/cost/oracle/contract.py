"""What the engines of the event model promise each other, and the tokens by which they do so."""

from dataclasses import dataclass

from naas_hw.arch import timing


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What the engines promise each other: credits, waits and constants.

    The defaults are those of the hardware; a test that changes one must be caught. Distances from
    drain to L2 are those without an epilogue, which makes them longer by its latency.
    """

    tiles_ahead: int = 2
    steps_ahead: int = 2
    accumulator_runs: int = 2
    output_runs: int = 2
    scale_runs: int = 2
    residual_runs: int = 2
    drain_waits_for_revisit: bool = True
    drain_waits_for_sums: bool = True
    drain_waits_for_residual: bool = True
    load_waits_for_response: bool = True
    load_waits_for_scales: bool = True
    load_waits_for_residual: bool = True
    layer_to_load: int = timing.LAYER_TO_LOAD
    load_to_fill: int = timing.LOAD_TO_FILL
    load_to_drain: int = timing.LOAD_TO_DRAIN
    fill_to_load: int = timing.FILL_TO_LOAD
    fill_to_compute: int = timing.FILL_TO_COMPUTE
    compute_to_fill: int = timing.COMPUTE_TO_FILL
    drain_to_compute: int = timing.DRAIN_TO_COMPUTE
    drain_to_revisit: int = timing.DRAIN_TO_REVISIT
    drain_to_store: int = timing.DRAIN_TO_STORE
    drain_to_scales: int = timing.DRAIN_TO_SCALES
    drain_to_residual: int = timing.DRAIN_TO_RESIDUAL
    store_to_drain: int = timing.STORE_TO_DRAIN
    response_to_load: int = timing.RESPONSE_TO_LOAD
    done_to_interrupt: int = timing.DONE_TO_INTERRUPT


class Tokens:
    """Counts events that become visible in a given cycle; they are posted in order."""

    def __init__(self) -> None:
        self._visible: list[int] = []

    def post(self, cycle: int) -> None:
        """Add an event that becomes visible in this cycle."""
        self._visible.append(cycle)

    def seen(self, number: int, now: int) -> bool:
        """Whether so many are visible."""
        return number <= 0 or (len(self._visible) >= number and self._visible[number - 1] <= now)
