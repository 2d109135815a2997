"""Accuracy in the report, where networks were searched too: the found one's, and the front."""

from naas_hw.report.charts import ChartAxis, Series, plot
from naas_hw.report.search import score_label, spread_axis
from naas_hw.report.values import Figure, TableCell, array_text, data_table
from naas_hw.runs.facts import RunFacts
from naas_hw.runs.result_json import JointPointRecord, JointRecord


def joint_figure(facts: RunFacts, joint: JointRecord) -> Figure:
    """Networks, each with its array, that none beats in both accuracy and score."""
    label, unit = score_label(facts)
    points = [(point.score / unit, point.top1_percent) for point in joint.front]
    accuracy = f"top-1, {evidence_of(joint.accuracy)}, %"
    return Figure(
        title="Accuracy over score",
        caption=f"Networks of {joint.space} that no other beats in both; {joint.num_networks:,} "
        f"pairs of network and accelerator were judged. Accuracy: {joint.accuracy}. Scores are "
        "exact, before the final mapping search.",
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
            y_axis=ChartAxis(label=accuracy),
        ),
        table=data_table(
            "The front of accuracy and score",
            (accuracy, label, "array", "network"),
            [
                (
                    TableCell(text=f"{point.top1_percent:.2f}", value=point.top1_percent),
                    point.score / unit,
                    array_text(point.accelerator),
                    _choices(point),
                )
                for point in joint.front
            ],
            is_sortable=True,
        ),
    )


def accuracy_text(joint: JointRecord) -> str:
    """That of the reported network, its source, and the floor that was asked for."""
    return (
        f"top-1 {joint.top1_percent:.2f} %, {joint.accuracy}; at least "
        f"{joint.min_top1_percent:g} % was asked for"
    )


def evidence_of(accuracy: str) -> str:
    """The first words of the source of an accuracy.

    Examples
    --------
    >>> evidence_of("optimistic estimate (an envelope of 8 networks)")
    'optimistic estimate'
    """
    return accuracy.partition(" (")[0]


def _label(point: JointPointRecord) -> str:
    return (
        f"top-1 {point.top1_percent:.2f} % ({evidence_of(point.accuracy)}), "
        f"{array_text(point.accelerator)}: {_choices(point)}"
    )


def _choices(point: JointPointRecord) -> str:
    """`image 224, depth1 2`."""
    return ", ".join(f"{name} {value}" for name, value in point.choices.items())
