"""Results of steps: one JSON file for each, which is there as soon as the step has ended."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from naas_hw.core.errors import NaasError
from naas_hw.system.files import write_files
from naas_hw.system.json_files import read_json


class Status(StrEnum):
    """How a step ended."""

    DONE = "done"
    LIMIT = "limit"
    FAILED = "failed"


class LimitError(NaasError):
    """A program took longer than a step may take."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a step ended, and what it found.

    Parameters
    ----------
    name : TOOL-STEP.
    limit_minutes : what its programs were allowed to take.
    reason : why it has no facts.
    facts : what was measured; see the steps.
    """

    name: str
    status: Status
    limit_minutes: float
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def is_final(self, limit_minutes: float) -> bool:
        """Whether the step need not run again with this limit."""
        if self.status is Status.LIMIT:
            return limit_minutes <= self.limit_minutes
        return self.status is Status.DONE


@dataclass(frozen=True, kw_only=True)
class Results:
    """The results in a folder."""

    folder: Path

    def read(self) -> dict[str, Outcome]:
        """Name of a step -> its outcome."""
        return {path.stem: _outcome(path) for path in sorted(self.folder.glob("*.json"))}

    def keep(self, outcome: Outcome) -> None:
        """Write an outcome, whole or not at all."""
        text = json.dumps(asdict(outcome), indent=1) + "\n"
        write_files(self.folder, {f"{outcome.name}.json": text})


def _outcome(path: Path) -> Outcome:
    values: Any = read_json(path)
    return Outcome(**{**values, "status": Status(values["status"])})


def outcome_of(name: str, measure: Callable[[], Mapping[str, Any]], limit: float) -> Outcome:
    """Run a step; what goes wrong in it is its outcome, and Ctrl-C is not."""
    try:
        return Outcome(name=name, status=Status.DONE, limit_minutes=limit, facts=measure())
    except LimitError as error:
        return Outcome(name=name, status=Status.LIMIT, limit_minutes=limit, reason=str(error))
    except (NaasError, ValueError, KeyError) as error:
        return Outcome(name=name, status=Status.FAILED, limit_minutes=limit, reason=str(error))
