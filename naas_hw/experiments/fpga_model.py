"""The FPGA model beside designs that it was not fitted to: the section of a document."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Final

from naas_hw.arch.devices import RESOURCE_LABELS, Resources, find_part
from naas_hw.cost.fpga.model import FpgaModel, fit
from naas_hw.cost.fpga.records import DesignRecord, Role, for_the_fit, of_role

CLOCK: Final = "clock"
GOALS: Final = {"lut4": 0.10, "ff": 0.10, "dsp": 0.0, "block_ram": 0.0, CLOCK: 0.15}
"""Largest relative error that is aimed at; multipliers and block memories are to be exact."""

LABELS: Final = {**RESOURCE_LABELS, CLOCK: "clock"}


@dataclass(frozen=True, kw_only=True)
class TestedDesign:
    """A design that was held out: what was built, and what was predicted of it.

    Parameters
    ----------
    record : what was built.
    resources, clock_mhz : as predicted; the clock is None where the model has none.
    """

    record: DesignRecord
    resources: Resources
    clock_mhz: float | None

    def figures(self, name: str) -> tuple[float, float] | None:
        """Predicted and reached; None where one of them is not known."""
        if name != CLOCK:
            return getattr(self.resources, name), getattr(self.record, name)
        clocks = self.record.clocks
        return (self.clock_mhz, median(clocks)) if clocks and self.clock_mhz else None

    def error(self, name: str) -> float | None:
        """Predicted over reached, less one; None where one of them is not known."""
        figures = self.figures(name)
        return None if figures is None else figures[0] / figures[1] - 1


@dataclass(frozen=True, kw_only=True)
class ModelTest:
    """A model, and the designs that it was tested with.

    Parameters
    ----------
    model : fitted to the designs for the fit.
    num_fitted, num_clocked : how many these are, and how many of them have a clock.
    tested : those that were held out.
    """

    model: FpgaModel
    num_fitted: int
    num_clocked: int
    tested: tuple[TestedDesign, ...]

    def errors(self, name: str) -> list[float]:
        """Absolute relative errors of all designs that reached something."""
        found = (design.error(name) for design in self.tested)
        return [abs(error) for error in found if error is not None]

    @property
    def holds(self) -> bool:
        """Whether every error is within its goal."""
        return all(error <= goal for name, goal in GOALS.items() for error in self.errors(name))


def evaluate_model(records: Sequence[DesignRecord]) -> ModelTest:
    """Fit the model to the designs for the fit, and predict those that were held out.

    Raises
    ------
    InputError : no design is for the fit.
    """
    model, fitted = fit(records), for_the_fit(records)
    tested = tuple(
        TestedDesign(
            record=record,
            resources=model.resources(record.accelerator),
            clock_mhz=_clock_mhz(model, record),
        )
        for record in of_role(records, Role.HELD_OUT)
    )
    return ModelTest(
        model=model,
        num_fitted=len(fitted),
        num_clocked=sum(bool(record.clocks) for record in fitted),
        tested=tested,
    )


def _clock_mhz(model: FpgaModel, record: DesignRecord) -> float | None:
    if not model.has_clock:
        return None
    part = find_part(record.device, package=record.package, speed_grade=record.speed_grade)
    return model.predict(record.accelerator, part).clock_mhz


def model_markdown(test: ModelTest, records: Sequence[DesignRecord]) -> str:
    """How the model was fitted, the designs that were held out, and its errors."""
    first = records[0]
    tools = ", ".join(f"{name} {version}" for name, version in _tools(records).items())
    text = (
        f"On {first.device}, {first.package}, speed grade {first.speed_grade}, with {tools}, "
        f"aiming at {first.target_mhz:g} MHz. The model was fitted to {test.num_fitted} designs, "
        f"{test.num_clocked} of them with a clock. It is tested with {len(test.tested)} others, "
        "whose clock is the median of their seeds. Designs are drawn from the encoding of the "
        "search. Resources are those of the accelerator alone, as synthesised."
    )
    num_seeds = sum(len(design.record.fmax_mhz) for design in test.tested)
    num_open = num_seeds - sum(len(design.record.clocks) for design in test.tested)
    if num_open:
        text += (
            f" {num_open} of the {num_seeds} seeds reached the time limit, and "
            f"{'has' if num_open == 1 else 'have'} no clock."
        )
    if test.model.is_provisional:
        text += " The model is provisional: designs are still to be built."
    return "\n\n".join((text, _design_table(test), _error_table(test)))


def _tools(records: Sequence[DesignRecord]) -> dict[str, str]:
    return {name: version for record in records for name, version in record.tools.items()}


def _design_table(test: ModelTest) -> str:
    names = [LABELS[name] + (", MHz" if name == CLOCK else "") for name in GOALS]
    head = f"| design | array | {' | '.join(names)} | Verilog |"
    rows = [_design_row(design) for design in test.tested]
    return "\n".join((head, f"|---|---|{'---:|' * len(names)}---|", *rows))


def _design_row(design: TestedDesign) -> str:
    record = design.record
    cells = [_pair(design, name) for name in GOALS]
    array = record.accelerator.array_text
    return f"| {record.name} | {array} | {' | '.join(cells)} | {record.digest} |"


def _pair(design: TestedDesign, name: str) -> str:
    """Predicted, reached and the error."""
    figures, error = design.figures(name), design.error(name)
    if figures is None or error is None:
        return "none"
    form: Callable[[float], str] = "{:,.1f}".format if name == CLOCK else "{:,.0f}".format
    spread = ""
    if name == CLOCK and len(design.record.clocks) > 1:
        spread = f" ({min(design.record.clocks):.1f} to {max(design.record.clocks):.1f})"
    return f"{form(figures[0])} / {form(figures[1])}{spread}, {error:+.1%}"


def _error_table(test: ModelTest) -> str:
    lines = ["| predicted / reached | mean error | largest error | goal |", "|---|---:|---:|---:|"]
    for name, goal in GOALS.items():
        errors = test.errors(name)
        shown = ("none", "none")
        if errors:
            shown = (f"{mean(errors):.1%}", f"{max(errors):.1%}")
        wanted = f"{goal:.0%}" if goal else "exact"
        lines.append(f"| {LABELS[name]} | {shown[0]} | {shown[1]} | {wanted} |")
    return "\n".join(lines)
