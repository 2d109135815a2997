"""Signals some cycles later."""

from typing import Any

from amaranth.hdl import Module, Shape, Signal


def delayed(m: Module, source: Any, cycles: int, name: str, *, reset: bool = True) -> Any:
    """The signal some cycles later.

    A flag (one bit) is low after a reset, unless `reset` is False. Numbers are not reset: nobody
    looks at them before a flag says that they are there, and a reset wire to each of their bits
    would cost routes.
    """
    is_flag = reset and Shape.cast(source.shape()).width == 1
    for i in range(cycles):
        stage = Signal(source.shape(), name=f"{name}_{i + 1}", reset_less=not is_flag)
        m.d.sync += stage.eq(source)
        source = stage
    return source


def delays(m: Module, source: Any, cycles: int, name: str) -> list[Any]:
    """The signal now, a cycle later, and so on: so many of them."""
    stages = [source]
    for i in range(1, cycles):
        stages.append(delayed(m, stages[-1], 1, f"{name}_{i}"))
    return stages
