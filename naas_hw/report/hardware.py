"""The hardware in the report: the array, its parameters, its area."""

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import on_chip_bytes
from naas_hw.arch.devices import RESOURCE_LABELS
from naas_hw.arch.technology import AREA
from naas_hw.report.array_drawing import TENSORS as WIRED
from naas_hw.report.array_drawing import describe_array, draw_array, wire_of
from naas_hw.report.charts import Bar, stacked_bars
from naas_hw.report.level_counts import number
from naas_hw.report.values import DataTable, Figure, array_text, data_table, title_of
from naas_hw.runs.result_json import FpgaRecord


def array_figure(accelerator: Accelerator) -> Figure:
    """The array with its axes and wires."""
    return Figure(
        title="The array",
        caption="What a convolution's tensors share along each axis. In a depthwise layer, whose "
        "channel is K, every position of a K axis has its own inputs.",
        picture=draw_array(accelerator),
        table=data_table(
            describe_array(accelerator),
            ("axis", "positions", *WIRED),
            [
                (axis.dim, axis.size, *(wire_of(axis.dim, tensor).value for tensor in WIRED))
                for axis in accelerator.axes
            ],
        ),
    )


def hardware_table(accelerator: Accelerator, fpga: FpgaRecord | None = None) -> DataTable:
    """What is fixed when the hardware is made.

    Parameters
    ----------
    fpga : what it is predicted to take of a board; None where the budget was no board.
    """
    a = accelerator
    rows = [
        ("array", array_text(a)),
        ("PEs", number(a.num_pes)),
        ("a PE's weight buffer", f"{number(a.weight_buffer_bytes)} bytes"),
        ("a PE's input buffer", f"{number(a.input_buffer_bytes)} bytes"),
        ("accumulators behind a tree", f"{number(a.accumulator_words)} words of 32 bits"),
        (
            "global buffer",
            f"{number(a.global_buffer_bytes)} bytes: {a.num_banks} banks of {number(a.bank_bytes)}",
        ),
        ("on chip, as budgets count", f"{number(on_chip_bytes(a))} bytes"),
        ("DRAM", f"{a.beat_bytes} bytes every {_every(a.dram_beat_period_cycles)}"),
        ("DRAM latency", f"{a.dram_latency_cycles} cycles"),
        *_fpga_rows(fpga),
    ]
    return data_table("The accelerator", ("", "value"), rows)


def _fpga_rows(fpga: FpgaRecord | None) -> list[tuple[str, str]]:
    """Predicted resources and clock."""
    if fpga is None:
        return []
    predicted = "predicted, not tested yet" if fpga.is_provisional else "predicted"
    available = fpga.budget.part.device.resources
    rows = [
        (
            f"{label} of {fpga.board}, {predicted}",
            f"{number(getattr(fpga.predicted, name))} of {number(getattr(available, name))}",
        )
        for name, label in RESOURCE_LABELS.items()
    ]
    return [*rows, (f"clock on {fpga.board}, {predicted}", f"{fpga.predicted.clock_mhz:.1f} MHz")]


def _every(period_cycles: int) -> str:
    return "cycle" if period_cycles == 1 else f"{period_cycles} cycles"


def area_figure(accelerator: Accelerator) -> Figure:
    """Area by part."""
    parts = AREA.area_um2(accelerator)
    bars = [
        Bar(name=title_of(name), values=[area / 1e6], end=f"{area / 1e6:.3f}")
        for name, area in parts.items()
    ]
    total = sum(parts.values()) / 1e6
    return Figure(
        title="Area by part",
        caption=f"An estimate to compare designs by, at {AREA.node_nm:g} nm: {total:.3f} mm² in "
        "all. Engines, networks and wires are not counted.",
        picture=stacked_bars(
            "Area by part", f"{total:.3f} square millimetres in all.", bars,
            parts=[("area", 0)], label="mm²",
        ),
        table=data_table(
            "Area by part", ("part", "mm²"), [(b.name, float(b.values[0])) for b in bars]
        ),
    )  # fmt: skip
