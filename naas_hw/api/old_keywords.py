"""Keywords that became fields of settings: calls that use them work for one minor release."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from naas_hw.api.settings import RunSettings, ScoreSettings, SimulationSettings
from naas_hw.core.deprecation import warn_renamed

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class MovedKeywords:
    """Keywords of a verb that one parameter took over.

    Members
    -------
    parameter : name of the parameter.
    old : names of the keywords.
    value_of : value of the parameter, from the one that was given and the old keywords.
    """

    parameter: str
    old: frozenset[str]
    value_of: Callable[[Any, Mapping[str, Any]], object]


def accepts_old_keywords(*moves: MovedKeywords) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a verb be called with its old keywords too, with one `RenamedWarning`."""

    def decorate(verb: Callable[P, R]) -> Callable[P, R]:
        @wraps(verb)
        def call(*arguments: P.args, **keywords: P.kwargs) -> R:
            used = [move for move in moves if move.old & keywords.keys()]
            if used:
                names = sorted(name for move in used for name in move.old & keywords.keys())
                parameters = ", ".join(f"{move.parameter}=" for move in used)
                old = ", ".join(f"{name}=" for name in names)
                warn_renamed(f"{verb.__name__}({old})", parameters, stacklevel=2)
            for move in used:
                values = {name: keywords.pop(name) for name in move.old & keywords.keys()}
                keywords[move.parameter] = move.value_of(keywords.get(move.parameter), values)
            return verb(*arguments, **keywords)

        return call

    return decorate


def _run(run: Any, old: Mapping[str, Any]) -> RunSettings | None:
    """Without a folder the old keywords had no effect."""
    return None if run is None else RunSettings(folder=run, **_command_as_tuple(old))


def _command_as_tuple(old: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name == "command" else value for name, value in old.items()}


def _workers(_: Any, old: Mapping[str, Any]) -> object:
    executor = old.get("executor")
    return old.get("num_processes", 1) if executor is None else executor


RUN_KEYWORDS: Final = MovedKeywords(
    parameter="run", old=frozenset({"resume", "force", "command"}), value_of=_run
)
WORKER_KEYWORDS: Final = MovedKeywords(
    parameter="workers", old=frozenset({"executor", "num_processes"}), value_of=_workers
)
SIMULATION_KEYWORDS: Final = MovedKeywords(
    parameter="settings",
    old=frozenset({"simulator", "seed", "stalls", "memory", "tensors", "before", "waves"}),
    value_of=lambda _, old: SimulationSettings(**old),
)
SCORE_KEYWORDS: Final = MovedKeywords(
    parameter="settings",
    old=frozenset({"pad", "timeout_seconds"}),
    value_of=lambda _, old: ScoreSettings(**old),
)
