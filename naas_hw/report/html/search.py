"""The search in the report: convergence and Pareto front."""

from collections.abc import Sequence
from math import inf

from naas_hw.report.html.candidates import Candidate, convergence, pareto_front
from naas_hw.report.html.charts import Axis, Series, plot
from naas_hw.report.html.run_facts import RunFacts
from naas_hw.report.html.values import (
    PICO,
    Cell,
    Figure,
    array_text,
    data_table,
    edp,
    energy,
)


def convergence_figure(facts: RunFacts) -> Figure:
    """Best so far and population mean, generation by generation."""
    found = convergence(facts.candidates)
    label, unit = score_label(facts)
    best = _curve([one.best / unit for one in found])
    mean = _curve([one.mean / unit for one in found])
    values = [y for _, y in (*best, *mean)]
    return Figure(
        title="Convergence",
        caption="Score of the best accelerator so far, and mean of each generation. Exact figures, "
        "before the final mapping search of the best.",
        picture=plot(
            "Convergence",
            f"Best score after {len(found)} generations: {best[-1][1]:.4g}.",
            [
                Series(name="population mean", points=mean, tone=1, mark="square", has_line=True),
                Series(name="best so far", points=best, tone=0, has_line=True),
            ],
            x_axis=Axis(label="generation", whole=True),
            y_axis=Axis(label=label, is_log=max(values) > 20 * min(values)),
        ),
        table=data_table(
            f"Convergence: {label}",
            ("generation", "best so far", "population mean"),
            [(n, one.best / unit, one.mean / unit) for n, one in enumerate(found, start=1)],
        ),
    )


def _curve(values: Sequence[float]) -> list[tuple[float, float]]:
    """(generation, value), where there is one."""
    return [(n, value) for n, value in enumerate(values, start=1) if value < inf]


def score_label(facts: RunFacts) -> tuple[str, float]:
    """What a score is, and what it is divided by to be in that unit."""
    objective = facts.result.objective if facts.result else ""
    labels = {
        "edp": ("EDP, J × cycles", PICO),
        "latency": ("cycles", 1.0),
        "energy": ("energy, µJ", 1e6),
    }
    return labels.get(objective, ("score", 1.0))


def pareto_figures(facts: RunFacts) -> tuple[Figure, Figure]:
    """Energy and area over cycles, of all candidates; the front in all three marked."""
    front = pareto_front(facts.candidates)
    best = min((c for c in facts.candidates if c.score is not None), key=lambda c: c.score or inf)
    rest = [c for c in facts.candidates if c.score is not None and c not in front]
    table = data_table(
        "The Pareto front in cycles, energy and area",
        ("array", "generation", "cycles", "energy, µJ", "area, mm²", "EDP, J × cycles"),
        [
            (
                array_text(c.accelerator),
                c.generation + 1,
                round(c.cycles),
                energy(c.energy_pj),
                Cell(text=f"{c.area_um2 / 1e6:.3f}", value=c.area_um2),
                edp(c.cycles * c.energy_pj),
            )
            for c in front
        ],
        is_sortable=True,
    )

    def figure(title: str, what: str, label: str, index: int, unit: float) -> Figure:
        def placed(candidates: Sequence[Candidate]) -> list[tuple[float, float]]:
            return [(c.cycles, c.figures[index] / unit) for c in candidates]

        return Figure(
            title=title,
            caption=f"Every accelerator that was tried. {len(front)} of them are beaten by no "
            "other in cycles, energy and area at once.",
            picture=plot(
                title,
                f"{len(front)} accelerators on the front, {len(rest)} others.",
                [
                    Series(
                        name="others", points=placed(rest), labels=_labels(rest), tone=6,
                    ),
                    Series(
                        name="Pareto front", points=placed(front), labels=_labels(front), tone=0,
                        mark="diamond",
                    ),
                    Series(
                        name="best score", points=placed([best]), labels=_labels([best]), tone=3,
                        mark="star",
                    ),
                ],
                x_axis=spread_axis("cycles", [c.cycles for c in (*rest, *front)]),
                y_axis=spread_axis(label, [y for _, y in placed([*rest, *front])]),
            ),
            table=table,
        )  # fmt: skip

    return (
        figure("Energy over cycles", "energy", "energy, µJ", 1, 1e6),
        figure("Area over cycles", "area", "area, mm² (estimate)", 2, 1e6),
    )


def _labels(candidates: Sequence[Candidate]) -> list[str]:
    return [
        f"{array_text(c.accelerator)}, generation {c.generation + 1}: {c.cycles:,.0f} cycles, "
        f"{c.energy_pj / 1e6:,.1f} µJ, {c.area_um2 / 1e6:.3f} mm²"
        for c in candidates
    ]


def spread_axis(label: str, values: Sequence[float]) -> Axis:
    return Axis(label=label, is_log=min(values) > 0 and max(values) > 8 * min(values))
