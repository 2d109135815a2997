"""The front of accuracy and score in the report, where networks were searched too."""

from naas_hw.report.html.charts import Axis, Series, plot
from naas_hw.report.html.run_facts import JointPointRecord, JointRecord, RunFacts
from naas_hw.report.html.search import score_label, spread_axis
from naas_hw.report.html.values import Cell, Figure, array_text, data_table


def joint_figure(facts: RunFacts, joint: JointRecord) -> Figure:
    """Networks, each with its array, that none beats in both accuracy and score."""
    label, unit = score_label(facts)
    points = [(point.score / unit, point.top1_percent) for point in joint.front]
    worth = joint.front[0].accuracy if joint.front else "of nothing"
    return Figure(
        title="Accuracy over score",
        caption=f"Networks of {joint.space} that no other beats in both; {joint.num_networks:,} "
        f"were judged. Accuracy: {worth}. Scores are exact, before the final mapping search.",
        picture=plot(
            "Accuracy over score",
            f"{len(points)} networks on the front.",
            [
                Series(
                    name="front",
                    points=points,
                    labels=[_label(point) for point in joint.front],
                    tone=0,
                    mark="diamond",
                )
            ],
            x_axis=spread_axis(label, [x for x, _ in points]),
            y_axis=Axis(label="top-1, %"),
        ),
        table=data_table(
            "The front of accuracy and score",
            ("top-1, %", label, "array", "network"),
            [
                (
                    Cell(text=f"{point.top1_percent:.2f}", value=point.top1_percent),
                    point.score / unit,
                    array_text(point.accelerator),
                    _choices(point),
                )
                for point in joint.front
            ],
            is_sortable=True,
        ),
    )


def _label(point: JointPointRecord) -> str:
    return f"{point.top1_percent:.2f} %, {array_text(point.accelerator)}: {_choices(point)}"


def _choices(point: JointPointRecord) -> str:
    """`image 224, depth1 2`."""
    return ", ".join(f"{name} {value}" for name, value in point.choices.items())
