"""What becomes of each operator of a model: a `CheckReport`."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, computed_field

from naas_hw.workload.layer import Name

UNKNOWN: Final = "unknown"
Macs = int | Literal["unknown"]
"""A number of multiply-accumulates, where it is known."""


class Verdict(StrEnum):
    """What becomes of an operator."""

    MAPPED = "mapped"  # a layer of the accelerator
    FOLDED = "folded"  # vanishes into a layer, or is nothing at inference
    HOST = "host"  # runs outside of the accelerator
    UNSUPPORTED = "unsupported"  # a layer with weights that the accelerator cannot run


class OperatorCheck(BaseModel):
    """One operator: its node, what becomes of it, and why in a line.

    Parameters
    ----------
    layer : name of the layer that it became or went into.
    macs_not_covered : multiply-accumulates that the accelerator does not do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    operator: str
    verdict: Verdict
    reason: str
    layer: Name | None = None
    macs_not_covered: Macs = 0


class WeightsCheck(BaseModel):
    """Where the constant numbers of a file are needed; each is counted once.

    Parameters
    ----------
    in_layers : in layers of the accelerator.
    folded : in operators that went into others, or are constants.
    on_host : in operators of the host.
    unsupported : in operators that nothing runs.
    unused : nowhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_layers: int = 0
    folded: int = 0
    on_host: int = 0
    unsupported: int = 0
    unused: int = 0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        """All constant numbers of the file."""
        return self.in_layers + self.folded + self.on_host + self.unsupported + self.unused


class CheckReport(BaseModel):
    """Every operator of a model, in order of execution.

    Parameters
    ----------
    macs_covered : multiply-accumulates of what the accelerator runs.
    weights : of a file with values; None of shapes only.
    notes : what a reader should know, a sentence each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    operators: tuple[OperatorCheck, ...]
    macs_covered: int = 0
    weights: WeightsCheck | None = None
    notes: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def macs_not_covered(self) -> Macs:
        """Multiply-accumulates that the accelerator does not do, of all operators."""
        return total_macs([check.macs_not_covered for check in self.operators])

    @property
    def ok(self) -> bool:
        """Nothing is unsupported, and something is mapped that has a program."""
        runs = any(check.macs_not_covered == 0 for check in self.of(Verdict.MAPPED))
        return runs and not self.of(Verdict.UNSUPPORTED)

    def of(self, verdict: Verdict) -> tuple[OperatorCheck, ...]:
        """The operators with that verdict."""
        return tuple(check for check in self.operators if check.verdict is verdict)


def total_macs(numbers: Sequence[Macs]) -> Macs:
    """The sum; unknown if one of them is."""
    known = [number for number in numbers if number != UNKNOWN]
    return sum(known) if len(known) == len(numbers) else UNKNOWN
