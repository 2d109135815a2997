"""What becomes of each operator of a model: a `CheckReport`."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from naas_hw.workload.layer import Name


class Verdict(StrEnum):
    """What becomes of an operator."""

    MAPPED = "mapped"  # a layer of the accelerator
    FOLDED = "folded"  # vanishes into a layer, or is nothing at inference
    HOST = "host"  # runs outside of the accelerator
    UNSUPPORTED = "unsupported"  # cannot be run, or is heavy and cannot be mapped


class OperatorCheck(BaseModel):
    """One operator: its node, what becomes of it, and why in a line.

    `layer` names the layer that it became or went into.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    operator: str
    verdict: Verdict
    reason: str
    layer: Name | None = None


class CheckReport(BaseModel):
    """Every operator of a model, in order of execution."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    operators: tuple[OperatorCheck, ...]

    @property
    def ok(self) -> bool:
        """Nothing is unsupported, and something is mapped."""
        return not self.of(Verdict.UNSUPPORTED) and bool(self.of(Verdict.MAPPED))

    def of(self, verdict: Verdict) -> tuple[OperatorCheck, ...]:
        """The operators with that verdict."""
        return tuple(check for check in self.operators if check.verdict is verdict)
