"""The one exception tree.

NaasError
├── InputError        bad input of a user: exit status 2
│   └── LegalityError a mapping that the accelerator cannot run
├── ToolError         a tool that is missing or too old: exit status 2
├── DeviceError       an accelerator that failed (naas_hw.driver.status): exit status 3
├── WorkerError       a worker process, or an executor of them, that is lost: exit status 3
└── SimulationError   a simulator that failed, hung or was stopped: exit status 3
"""

from typing import Self


class NaasError(Exception):
    """Everything that this package raises on purpose; its text is one sentence."""

    exit_status = 3


class InputError(NaasError, ValueError):
    """A value from outside is wrong: says the rule, "not", the value, and the place."""

    exit_status = 2


class LegalityError(InputError):
    """A mapping breaks a rule of the accelerator; `violations` lists all of them."""

    def __init__(self, violations: list[str]) -> None:
        self.violations = violations
        super().__init__("illegal mapping: " + "; ".join(violations))

    def __reduce__(self) -> tuple[type[Self], tuple[list[str]]]:
        return type(self), (self.violations,)


class ToolError(NaasError):
    """A program that the task needs is missing, or is too old."""

    exit_status = 2


class WorkerError(NaasError):
    """Work was lost with the processes that did it; says which."""

    exit_status = 3


class SimulationError(NaasError):
    """A simulation ended without a result."""

    exit_status = 3
