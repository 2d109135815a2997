"""The search in the report: convergence, and the axes that its charts share."""

from collections.abc import Sequence
from math import inf

from naas_hw.report.charts import ChartAxis, Series, plot
from naas_hw.report.values import PICO, Figure, data_table
from naas_hw.runs.facts import RunFacts
from naas_hw.runs.tried_accelerators import convergence


def convergence_figure(facts: RunFacts) -> Figure:
    """Best so far and population mean, generation by generation."""
    generations = convergence(facts.candidates)
    label, unit = score_label(facts)
    best = _curve([one.best / unit for one in generations])
    mean = _curve([one.mean / unit for one in generations])
    values = [y for _, y in (*best, *mean)]
    return Figure(
        title="Convergence",
        caption="Score of the best accelerator so far, and mean of each generation. Exact figures, "
        "before the final mapping search of the best.",
        picture=plot(
            "Convergence",
            f"Best score after {len(generations)} generations: {best[-1][1]:.4g}.",
            [
                Series(name="population mean", points=mean, tone=1, mark="square", has_line=True),
                Series(name="best so far", points=best, tone=0, has_line=True),
            ],
            x_axis=ChartAxis(label="generation", whole=True),
            y_axis=ChartAxis(label=label, is_log=max(values) > 20 * min(values)),
        ),
        table=data_table(
            f"Convergence: {label}",
            ("generation", "best so far", "population mean"),
            [(n, one.best / unit, one.mean / unit) for n, one in enumerate(generations, start=1)],
        ),
    )


def _curve(values: Sequence[float]) -> list[tuple[float, float]]:
    """(generation, value), where there is one."""
    return [(n, value) for n, value in enumerate(values, start=1) if value < inf]


def score_label(facts: RunFacts) -> tuple[str, float]:
    """What a score is, and what it is divided by to be in that unit."""
    objective = facts.result.objective if facts.result else ""
    if facts.result is not None and facts.result.fpga is not None and objective != "energy":
        return ("milliseconds", 1.0) if objective == "latency" else ("energy × time, mJ × ms", 1e9)
    labels = {
        "edp": ("EDP, J × cycles", PICO),
        "latency": ("cycles", 1.0),
        "energy": ("energy, µJ", 1e6),
    }
    return labels.get(objective, ("score", 1.0))


def spread_axis(label: str, values: Sequence[float]) -> ChartAxis:
    """An axis that is logarithmic if the values span more than a factor of eight."""
    return ChartAxis(label=label, is_log=min(values) > 0 and max(values) > 8 * min(values))
