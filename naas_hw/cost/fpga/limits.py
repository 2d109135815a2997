"""Whether an accelerator is within a budget, its FPGA included, and how long a cycle takes."""

from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget, FpgaBudget
from naas_hw.arch.devices import RESOURCE_LABELS
from naas_hw.cost.fpga.model import FpgaPrediction, fitted_model

CYCLES_A_MILLISECOND_AT_1_MHZ: Final = 1000


def predict(accelerator: Accelerator, fpga: FpgaBudget) -> FpgaPrediction:
    """What the accelerator takes of the FPGA of a budget, and its clock."""
    return fitted_model().predict(accelerator, fpga.part)


def violations(budget: Budget, accelerator: Accelerator) -> list[str]:
    """The limits that an accelerator breaks, in words; empty if it fits.

    First those that need no prediction.
    """
    broken = budget.violations(accelerator)
    if broken or budget.fpga is None:
        return broken
    predicted = predict(accelerator, budget.fpga).resources
    limits = budget.fpga.limits
    return [
        f"predicted {label} must be at most {most:,} on {budget.fpga.device}, not {need:,}"
        for name, label in RESOURCE_LABELS.items()
        if (need := getattr(predicted, name)) > (most := getattr(limits, name))
    ]


def milliseconds_per_cycle(budget: Budget, accelerator: Accelerator) -> float | None:
    """How long a cycle takes at the predicted clock; None where the budget has no FPGA."""
    if budget.fpga is None:
        return None
    clock_mhz = predict(accelerator, budget.fpga).clock_mhz
    return 1 / (CYCLES_A_MILLISECOND_AT_1_MHZ * clock_mhz)
