"""The simulation in the report: predicted against simulated."""

from typing import Final

from naas_hw.report.charts import ChartAxis, Series, plot
from naas_hw.report.level_counts import level_counts, number
from naas_hw.report.values import DataTable, Figure, TableCell, data_table
from naas_hw.runs.facts import RunFacts


def simulation_table(facts: RunFacts) -> DataTable | None:
    """Cycles and accesses, predicted beside simulated; None where nothing was simulated.

    Accesses are those that were counted; where others were predicted, these stand beside.
    """
    if facts.simulation is None or not facts.simulation.layers:
        return None
    predicted = (
        {one.name: one.counts for one in facts.prediction.layers} if facts.prediction else {}
    )
    levels = list(level_counts_of(facts.simulation.layers[0].counted))
    columns = ["layer", "verdict", "cycles predicted", "cycles simulated", *levels]
    rows = []
    for one in facts.simulation.layers:
        name = one.name if one.groups == 1 else f"{one.name} (1 of {one.groups} groups)"
        row: list[str | int | float | TableCell] = [name, verdict(one.ok, one.status)]
        row += [one.predicted_cycles, one.simulated_cycles]
        expected = level_counts_of(predicted.get(one.name, {}))
        counted = level_counts_of(one.counted)
        row += [_counted(expected.get(level), counted.get(level)) for level in levels]
        rows.append((*row, one.output_mismatches))
    return data_table(
        "Predicted against simulated", [*columns, "wrong bytes"], rows, is_sortable=True
    )


_UNKNOWN: Final = TableCell(text="unknown", value=-1)


def _counted(predicted: int | None, count: int | None) -> TableCell | int:
    """Accesses of a level, with the prediction if it is another one or is not known."""
    if count is None:
        return _UNKNOWN
    if predicted == count:
        return count
    expected = "prediction unknown" if predicted is None else f"{number(predicted)} predicted"
    return TableCell(text=f"{number(count)} ({expected})", value=count)


def level_counts_of(counts: dict[str, int]) -> dict[str, int]:
    """Accesses of each level; nothing where a count is missing."""
    try:
        return level_counts(counts)
    except KeyError:
        return {}


def verdict(ok: bool, status: str) -> str:
    """Equal, or what happened instead."""
    if ok:
        return "equal"
    return "differs" if status == "done" else status


def simulation_figure(facts: RunFacts) -> Figure | None:
    """Simulated over predicted cycles; None where times of fewer than two layers were compared."""
    layers = facts.simulation.layers if facts.simulation and facts.simulation.timed else ()
    if len(layers) < 2:
        return None
    points = [(float(one.predicted_cycles), float(one.simulated_cycles)) for one in layers]
    low, high = min(min(point) for point in points), max(max(point) for point in points)
    largest = max(abs(x - y) for x, y in points)
    return Figure(
        title="Cycles, predicted and simulated",
        caption=f"On the line both are equal. The largest difference is {largest:,.0f} cycles.",
        picture=plot(
            "Cycles, predicted and simulated",
            f"{len(layers)} layers; the largest difference is {largest:,.0f} cycles.",
            [
                Series(
                    name="equal", points=[(low, low), (high, high)], tone=6, mark="none",
                    has_line=True,
                ),
                Series(name="layers", points=points, labels=[one.name for one in layers], tone=0),
            ],
            x_axis=ChartAxis(label="predicted cycles", is_log=high > 8 * low > 0),
            y_axis=ChartAxis(label="simulated cycles", is_log=high > 8 * low > 0),
        ),
        table=data_table(
            "Cycles, predicted and simulated",
            ("layer", "predicted", "simulated", "difference"),
            [
                (
                    one.name, one.predicted_cycles, one.simulated_cycles,
                    one.simulated_cycles - one.predicted_cycles,
                )
                for one in layers
            ],
        ),
    )  # fmt: skip


def simulation_sentence(facts: RunFacts) -> str:
    """What was simulated, and how it ended."""
    if facts.simulation is None or not facts.simulation.layers:
        if facts.model is not None and facts.model.simulation is not None:
            return "No layer of this run was simulated by itself; the whole network was."
        return "No layer of this run was simulated yet."
    simulation, total = facts.simulation, len(facts.layers)
    equal = sum(one.ok for one in simulation.layers)
    compared = (
        "cycles, counted accesses and output bytes"
        if simulation.timed
        else "output bytes (the memory stalled at random, so that times are not comparable)"
    )
    return (
        f"{len(simulation.layers)} of {total} layers ran on the RTL in {simulation.simulator}; "
        f"in {equal} of them {compared} are equal to what was predicted."
    )


def differences(facts: RunFacts) -> list[str]:
    """What differs, a line each."""
    if facts.simulation is None:
        return []
    sentences = []
    for one in facts.simulation.layers:
        if one.first_piece is not None:
            sentences.append(f"{one.name}: first piece that differs: {one.first_piece}")
        sentences += [f"{one.name}: {text}" for text in one.counts_that_differ]
    return sentences
