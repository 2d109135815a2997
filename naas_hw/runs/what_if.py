"""What the cycles of layers would be on accelerators that differ in one thing, or in two.

The lanes by which weights or inputs reach the array divide both an axis and a beat, so where more
of them need both to be wider, that is one alternative too.

The mapping of each layer is kept: its loop orders and its tiles. Where an axis of the array has
more positions, the layer's loop over that axis uses them, and the loop inside or outside of it has
half the trips. So a figure says what one change gives by itself, not what a search for the changed
accelerator would find. The changed accelerators may exceed the budget.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import EnergyTable
from naas_hw.cost.evaluate import CostReport
from naas_hw.mapping.geometry import ceil_div, usable_positions
from naas_hw.mapping.mapping import Mapping
from naas_hw.runs.kept_mappings import MappedLayer, changed, each_once, evaluate_if_legal
from naas_hw.workload.layer import Dim, Layer

MAX_BEAT_BYTES: Final = 32


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """An accelerator that differs by one change.

    Members
    -------
    name : what is different, in a few words: `twice the drain lanes`.
    short : the same as the heading of a column: `drain ×2`.
    detail : old and new values.
    wider : the dim whose axis has twice the positions, if it is that.
    """

    name: str
    short: str
    detail: str
    accelerator: Accelerator
    wider: Dim | None = None


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """What layers cost on an alternative, in order; None where the kept mapping is illegal."""

    alternative: Alternative
    costs: tuple[CostReport | None, ...]

    def saved_cycles(self, layer: int, now: CostReport) -> int | None:
        """Cycles that a layer would need less; negative if more, None if the mapping is illegal."""
        cost = self.costs[layer]
        return None if cost is None else now.cycles - cost.cycles


def alternatives(accelerator: Accelerator) -> list[Alternative]:
    """The accelerators that differ in one change, as far as there are such accelerators."""
    return [
        *_faster_memory(accelerator),
        *_quicker_memory(accelerator),
        *_more_drain_lanes(accelerator),
        *_more_fill_lanes(accelerator),
        *_wider_axes(accelerator),
        *_wider_axes_and_beats(accelerator),
    ]


def what_ifs(
    accelerator: Accelerator, layers: Sequence[MappedLayer], table: EnergyTable
) -> tuple[WhatIf, ...]:
    """The layers on each of the alternatives to their accelerator."""
    return tuple(
        WhatIf(alternative=one, costs=_costs(one, layers, table))
        for one in alternatives(accelerator)
    )


# Alternatives ------------------------------------------------------------------------------------


def _faster_memory(accelerator: Accelerator) -> Iterator[Alternative]:
    """Beats that come more often; where one comes every cycle, beats that are twice as wide."""
    period = accelerator.dram_beat_period_cycles
    if period > 1:
        faster = changed(accelerator, dram_beat_period_cycles=period // 2)
        name = "twice the memory bandwidth" if period % 2 == 0 else "more memory bandwidth"
        short = f"period {period // 2}"
        detail = f"a beat every {_cycles(period // 2)} instead of every {_cycles(period)}"
    else:
        faster, detail = _wider_beats(accelerator)
        name, short = "twice as wide beats", "beat ×2"
    if faster is not None:
        yield Alternative(name=name, short=short, detail=detail, accelerator=faster)


def _wider_beats(accelerator: Accelerator) -> tuple[Accelerator | None, str]:
    """Beats of twice the bytes; the drain lanes stay, unless they would be too few for the beat.

    Banks are rounded up to whole beats.
    """
    beat = 2 * accelerator.beat_bytes
    if beat > MAX_BEAT_BYTES:
        return None, ""
    lanes = max(accelerator.drain_lanes, beat // 4)
    bank = beat * ceil_div(accelerator.bank_bytes, beat)
    wider = changed(accelerator, beat_bytes=beat, drain_lanes=lanes, bank_bytes=bank)
    detail = f"{beat} bytes instead of {accelerator.beat_bytes}, in DRAM and in the global buffer"
    if lanes != accelerator.drain_lanes:
        detail += f", and so {lanes} drain lanes instead of {accelerator.drain_lanes}"
    return wider, detail


def _quicker_memory(accelerator: Accelerator) -> Iterator[Alternative]:
    latency = accelerator.dram_latency_cycles
    quicker = changed(accelerator, dram_latency_cycles=1)
    if latency > 1 and quicker is not None:
        yield Alternative(
            name="no DRAM latency",
            short="latency 1",
            detail=f"1 cycle instead of {latency}",
            accelerator=quicker,
        )


def _more_drain_lanes(accelerator: Accelerator) -> Iterator[Alternative]:
    lanes = accelerator.drain_lanes
    more = changed(accelerator, drain_lanes=2 * lanes)
    if more is not None:
        yield Alternative(
            name="twice the drain lanes",
            short="drain ×2",
            detail=f"{2 * lanes} instead of {lanes}",
            accelerator=more,
        )


def _more_fill_lanes(accelerator: Accelerator) -> Iterator[Alternative]:
    """Lanes of weights and inputs, where they do not follow from the axes."""
    choices = (
        ("weight_lanes", "weight lanes", accelerator.weight_vector_dim is None),
        ("input_lanes", "input lanes", not accelerator.has("C")),
    )
    for field, what, is_free in choices:
        lanes = getattr(accelerator, field)
        more = changed(accelerator, **{field: 2 * lanes}) if is_free else None
        if more is not None:
            yield Alternative(
                name=f"twice the {what}",
                short=f"{what} ×2",
                detail=f"{2 * lanes} instead of {lanes}",
                accelerator=more,
            )


def _wider_axes(accelerator: Accelerator) -> Iterator[Alternative]:
    for axis in accelerator.axes:
        wider = _with_wider_axis(accelerator, axis.dim)
        if wider is not None:
            yield Alternative(
                name=f"twice the {axis.dim} axis",
                short=f"{axis.dim} axis ×2",
                detail=f"{_wider_text(axis)}, so {wider.num_pes:,} PEs instead of "
                f"{accelerator.num_pes:,}",
                accelerator=wider,
                wider=axis.dim,
            )


def _with_wider_axis(accelerator: Accelerator, dim: Dim) -> Accelerator | None:
    axes = [
        {"dim": axis.dim, "size": axis.size * (2 if axis.dim == dim else 1)}
        for axis in accelerator.axes
    ]
    return changed(accelerator, axes=axes)


def _wider_text(axis: Axis) -> str:
    return f"{2 * axis.size} positions instead of {axis.size}"


def _wider_axes_and_beats(accelerator: Accelerator) -> Iterator[Alternative]:
    """An axis and the beats, where both together give lanes that neither gives by itself."""
    beats, beat_text = _wider_beats(accelerator)
    for axis in accelerator.axes:
        alone = _with_wider_axis(accelerator, axis.dim)
        both = None if beats is None else _with_wider_axis(beats, axis.dim)
        if beats is None or alone is None or both is None:
            continue
        lanes = [max(pair) for pair in zip(_lanes(beats), _lanes(alone), strict=True)]
        if any(new > old for new, old in zip(_lanes(both), lanes, strict=True)):
            yield Alternative(
                name=f"twice the {axis.dim} axis and beats",
                short=f"{axis.dim}, beat ×2",
                detail=f"{_wider_text(axis)}; beats of {beat_text}",
                accelerator=both,
                wider=axis.dim,
            )


def _lanes(accelerator: Accelerator) -> tuple[int, int, int]:
    """How many weights and inputs, of both kinds of layers, reach the array a cycle."""
    return (
        accelerator.weight_network_lanes,
        accelerator.input_network_lanes,
        accelerator.depthwise_network_lanes,
    )


def _cycles(count: int) -> str:
    return "cycle" if count == 1 else f"{count} cycles"


# Costs -------------------------------------------------------------------------------------------


def _costs(
    alternative: Alternative, layers: Sequence[MappedLayer], table: EnergyTable
) -> tuple[CostReport | None, ...]:
    def cost_of(layer: Layer, mapping: Mapping) -> CostReport | None:
        return _fastest(alternative, layer, mapping, table)

    return tuple(each_once(layers, cost_of))


def _fastest(
    alternative: Alternative, layer: Layer, mapping: Mapping, table: EnergyTable
) -> CostReport | None:
    """The layer under the kept mapping; of several ways to use a wider axis the fastest."""
    legal = [
        cost
        for one in _fitted(alternative, layer, mapping)
        if (cost := evaluate_if_legal(alternative.accelerator, layer, one, table)) is not None
    ]
    return min(legal, key=lambda cost: cost.cycles, default=None)


def _fitted(alternative: Alternative, layer: Layer, mapping: Mapping) -> list[Mapping]:
    """The mapping as it is; if an axis is wider, the ways to use its positions too."""
    dim = alternative.wider
    if dim is None:
        return [mapping]
    used = min(usable_positions(alternative.accelerator, layer, dim), layer.bounds[dim])
    if used <= mapping.spatial[dim]:
        return [mapping]
    wider = _with(mapping, "spatial", dim, used)
    factor = used / mapping.spatial[dim]
    fewer = [
        _with(wider, level, dim, max(1, ceil_div(int(getattr(mapping, level)[dim]), round(factor))))
        for level in ("l2", "pe")
        if getattr(mapping, level)[dim] > 1
    ]
    as_it_is = [] if dim in ("K", "C") else [mapping]
    return [wider, *fewer, *as_it_is]


def _with(mapping: Mapping, level: str, dim: Dim, trips: int) -> Mapping:
    bounds = getattr(mapping, level).model_copy(update={dim: trips})
    return mapping.model_copy(update={level: bounds})
