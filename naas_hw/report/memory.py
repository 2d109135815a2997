"""The memory of a network's tensors: who lies where, and when."""

from typing import Final

from naas_hw.compiler.memory_plan import MemoryRequest
from naas_hw.report.charts import Bar, Box, ChartAxis, boxes, stacked_bars
from naas_hw.report.svg import short
from naas_hw.report.values import Figure, data_table
from naas_hw.runs.facts import ModelFacts

_PARTS: Final = (
    ("input", 6), ("output", 2), ("kept for a residual", 1), ("partial sums", 3),
    ("between layers", 4),
)  # fmt: skip
_INPUT, _OUTPUT, _RESIDUAL, _SUMS, _OTHER = range(len(_PARTS))


def memory_figure(model: ModelFacts) -> Figure:
    """Each buffer as a box: the calls in which it is needed, and its addresses."""
    plan = model.plan
    parts = _parts_of(model)
    used = sorted(set(parts.values()))
    placed = [
        Box(
            name=request.name,
            label=f"{request.name}: {request.size:,} bytes at {plan.addresses[request.name]:,}, "
            f"{_life(model, request)}",
            left=request.first,
            right=request.last + 1,
            low=plan.addresses[request.name],
            high=plan.addresses[request.name] + request.size,
            part=used.index(parts[request.name]),
        )
        for request in plan.requests
    ]
    rows = sorted(
        (
            (request.name, _PARTS[parts[request.name]][0], plan.addresses[request.name],
             request.size, _life(model, request))
            for request in plan.requests
        ),
        key=lambda row: row[2],
    )  # fmt: skip
    return Figure(
        title="Memory over time",
        caption=f"A box is a buffer: as wide as the calls in which it is needed, as high as its "
        f"bytes. Weights and descriptors are not in it. {_peak(model)}",
        picture=boxes(
            "Memory over time", _peak(model), placed,
            parts=[_PARTS[part] for part in used],
            x_axis=ChartAxis(label="calls, in order", whole=True),
            y_axis=ChartAxis(label="address in the area, bytes", from_zero=True),
        ),
        table=data_table(
            "Buffers", ("buffer", "what for", "first byte", "bytes", "needed"), rows
        ),
    )  # fmt: skip


def _parts_of(model: ModelFacts) -> dict[str, int]:
    """Name of a buffer -> what it is for."""
    lowered = model.lowered
    inputs = {one.view.buffer for one in lowered.inputs if one.view is not None}
    outputs = {one.view.buffer for one in lowered.outputs if one.view is not None}
    residuals = {one.residual.buffer for one in lowered.layer_calls if one.residual is not None}
    parts = {}
    for request in model.plan.requests:
        part = _OTHER if request.name in lowered.buffers else _SUMS
        for names, other in ((residuals, _RESIDUAL), (outputs, _OUTPUT), (inputs, _INPUT)):
            part = other if request.name in names else part
        parts[request.name] = part
    return parts


def _life(model: ModelFacts, request: MemoryRequest) -> str:
    """`from call 3 to call 5`, counted from 1."""
    end = len(model.lowered.calls)
    first = "the start" if request.first < 0 else f"call {request.first + 1}"
    last = "the end" if request.last >= end else f"call {request.last + 1}"
    return f"from {first} to {last}"


def _peak(model: ModelFacts) -> str:
    plan = model.plan
    return (
        f"The plan needs {plan.peak_bytes:,} bytes; {plan.total_bytes:,} if no byte were used "
        f"twice."
    )


def footprint_figure(model: ModelFacts) -> Figure:
    """What the plan needs beside what it would need without reuse, and at least."""
    plan = model.plan
    sizes = (
        ("needed at one time", plan.least_bytes),
        ("peak of the plan", plan.peak_bytes),
        ("sum of all buffers", plan.total_bytes),
    )
    return Figure(
        title="Footprint",
        caption=f"{_peak(model)} No plan needs fewer than {plan.least_bytes:,}, which are needed "
        "at one time.",
        picture=stacked_bars(
            "Footprint", _peak(model),
            [Bar(name=name, values=[size], end=short(size)) for name, size in sizes],
            parts=[("bytes", 0)], label="bytes",
        ),
        table=data_table("Footprint", ("", "bytes"), sizes),
    )  # fmt: skip
