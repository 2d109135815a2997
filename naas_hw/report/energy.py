"""Energy in the report: by level and tensor, and by layer."""

from typing import Final

from naas_hw.cost.energy import LEVELS, energy_by_tensor
from naas_hw.report.charts import Bar, stacked_bars
from naas_hw.report.svg import short
from naas_hw.report.values import Figure, data_table, energy, title_of
from naas_hw.runs.facts import RunFacts

_TENSOR_TONES: Final = {
    "weights": 0, "inputs": 1, "outputs": 2, "sums": 3, "products": 4, "scales": 5, "descriptor": 6,
    "residual": 7, "table": 8,
}  # fmt: skip
_OPTIONAL: Final = {"residual", "table"}
"""Tensors that are shown only where a layer has them."""


def energy_figure(facts: RunFacts) -> Figure:
    """Energy of the run by level and tensor."""
    total = {level: dict.fromkeys(_TENSOR_TONES, 0.0) for level in LEVELS}
    for one in facts.layers:
        split = energy_by_tensor(facts.accelerator, one.cost.accesses, facts.table)
        for level, parts in split.items():
            for tensor, energy_pj in parts.items():
                total[level][tensor] += energy_pj
    moved = {tensor for parts in total.values() for tensor, part in parts.items() if part}
    tensors = [tensor for tensor in _TENSOR_TONES if tensor in moved or tensor not in _OPTIONAL]
    sums = {level: sum(total[level].values()) for level in LEVELS}
    whole = sum(sums.values()) or 1.0
    bars = [
        Bar(
            name=title_of(level),
            values=[total[level][tensor] / 1e6 for tensor in tensors],
            end=f"{sums[level] / whole:.1%}",
        )
        for level in LEVELS
    ]
    return Figure(
        title="Energy by level and tensor",
        caption=f"Energy table {facts.table.name}. The share of each level stands beside it.",
        picture=stacked_bars(
            "Energy by level and tensor",
            "; ".join(f"{bar.name} {bar.end}" for bar in bars) + ".",
            bars,
            parts=[(tensor, _TENSOR_TONES[tensor]) for tensor in tensors],
            label="energy, µJ",
        ),
        table=data_table(
            "Energy by level and tensor, µJ",
            ("level", *tensors, "all"),
            [
                (
                    title_of(level),
                    *(energy(total[level][tensor]) for tensor in tensors),
                    energy(sums[level]),
                )
                for level in LEVELS
            ],
        ),
    )


_LEVEL_TONES: Final = (0, 1, 6, 4, 2, 3)


def layer_energy_figure(facts: RunFacts) -> Figure:
    """Energy of each layer by level."""
    used = [level for level in LEVELS if any(getattr(x.cost.energy, level) for x in facts.layers)]
    bars = [
        Bar(
            name=one.layer.name,
            values=[getattr(one.cost.energy, level) / 1e6 for level in used],
            end=short(one.cost.energy_pj / 1e6),
        )
        for one in facts.layers
    ]
    return Figure(
        title="Energy by layer",
        caption=f"By level; energy table {facts.table.name}.",
        picture=stacked_bars(
            "Energy by layer", f"Energy table {facts.table.name}.", bars,
            parts=[(title_of(level), _LEVEL_TONES[LEVELS.index(level) % 6]) for level in used],
            label="energy, µJ",
        ),
        table=data_table(
            "Energy by layer, µJ",
            ("layer", *map(title_of, used), "all"),
            [
                (
                    one.layer.name,
                    *(energy(getattr(one.cost.energy, level)) for level in used),
                    energy(one.cost.energy_pj),
                )
                for one in facts.layers
            ],
        ),
    )  # fmt: skip
