"""Tables of what was measured, in Markdown. A missing figure has its reason in its place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from side_by_side import chipleap_steps, naas_steps, nngen_steps
from side_by_side.outcomes import Outcome, Status
from side_by_side.workloads import CNN, LATENCIES, MACS, NETWORKS, TITLES

TOOLS: Final = {"naas": "naas", "chipleap": "ChipLeap", "nngen": "NNgen"}
NOT_MEASURED: Final = "not measured"
CANNOT: Final = "cannot"
"""ChipLeap runs no network."""

Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One simulation.

    Parameters
    ----------
    workload, latency : what was run.
    cycles, predicted_cycles : measured; by the tool's own model, None where it has none.
    is_right : whether all outputs are as expected.
    multipliers : that the design has for products.
    variant : which of several designs; empty where there is one.
    """

    workload: str
    latency: int
    cycles: int
    predicted_cycles: float | None
    is_right: bool
    multipliers: int
    variant: str = ""

    @property
    def utilisation(self) -> float:
        """Share of multipliers and cycles that do work."""
        return MACS[self.workload] / (self.cycles * self.multipliers)

    @property
    def model_error(self) -> float | None:
        """Share of its cycles by which the tool's model is wrong; above 0: it said too many."""
        if self.predicted_cycles is None:
            return None
        return self.predicted_cycles / self.cycles - 1


def runs_of(outcomes: Outcomes, tool: str) -> list[Run]:
    """All simulations of a tool."""
    done = [o for name, o in outcomes.items() if name.startswith(f"{tool}-")]
    return [_run(run, o.facts) for o in done for run in o.facts.get("runs", [])]


def _run(run: Mapping[str, Any], facts: Mapping[str, Any]) -> Run:
    return Run(
        workload=run["workload"],
        latency=run["latency"],
        cycles=run["cycles"],
        predicted_cycles=run.get("predicted_cycles"),
        is_right=run["wrong_words"] == 0,
        multipliers=facts["multipliers"],
        variant=facts.get("variant", ""),
    )


def best_run(runs: Iterable[Run], workload: str, latency: int) -> Run | None:
    """The fastest of the designs of a tool; None if none was simulated."""
    fitting = [run for run in runs if (run.workload, run.latency) == (workload, latency)]
    return min(fitting, key=lambda run: run.cycles, default=None)


def tables(outcomes: Outcomes) -> str:
    """All tables."""
    parts = [
        ("Cycles in simulation", _cycles_table(outcomes)),
        ("Cycles predicted by each tool's own model", _model_table(outcomes)),
        ("Synthesis for an ECP5", _synthesis_table(outcomes)),
        ("From nothing to a verified design", _effort_table(outcomes)),
    ]
    return "\n\n".join(f"### {title}\n\n{table}" for title, table in parts)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table; the first `left` columns are text, the others numbers."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _cases() -> list[tuple[str, int]]:
    return [(workload, latency) for workload in TITLES for latency in LATENCIES]


def _cycles_table(outcomes: Outcomes) -> str:
    runs = {tool: runs_of(outcomes, tool) for tool in TOOLS}
    rows = [
        [TITLES[workload], str(latency)]
        + [
            _cycles_cell(best_run(runs[tool], workload, latency), outcomes, tool, workload, latency)
            for tool in TOOLS
        ]
        for workload, latency in _cases()
    ]
    return markdown_table(["workload", "latency", *TOOLS.values()], rows)


def _cycles_cell(
    run: Run | None, outcomes: Outcomes, tool: str, workload: str, latency: int
) -> str:
    if run is None:
        return why_missing(outcomes, tool, workload, latency)
    variant = f", {run.variant}" if run.variant else ""
    wrong = "" if run.is_right else ", WRONG OUTPUTS"
    return f"{run.cycles:,} ({run.utilisation:.1%}{variant}{wrong})"


def why_missing(outcomes: Outcomes, tool: str, workload: str, latency: int) -> str:
    """Why a tool has no cycles of a workload."""
    if tool == "chipleap" and workload in NETWORKS:
        return CANNOT
    kind = workload if workload in NETWORKS else "layers"
    names = {"naas": f"naas-{kind}-{latency}", "chipleap": "chipleap-ws"}
    outcome = outcomes.get(names.get(tool, f"{tool}-{workload}-{latency}"))
    return reason_of(outcome)


def reason_of(outcome: Outcome | None) -> str:
    """What stands in place of a figure."""
    if outcome is None or outcome.status is Status.DONE:
        return NOT_MEASURED
    if outcome.status is Status.LIMIT:
        return f"over {outcome.limit_minutes:g} minutes"
    return "failed"


def _model_table(outcomes: Outcomes) -> str:
    tools = ("naas", "chipleap")
    runs = {tool: runs_of(outcomes, tool) for tool in tools}
    rows = [
        [TITLES[workload], str(latency)]
        + [_model_cell(best_run(runs[tool], workload, latency)) for tool in tools]
        for workload, latency in _cases()
    ]
    table = markdown_table(["workload", "latency", *(TOOLS[tool] for tool in tools)], rows)
    return f"{table}\n\nIn parentheses: predicted less simulated. NNgen has no model of its cycles."


def _model_cell(run: Run | None) -> str:
    if run is None or run.predicted_cycles is None or run.model_error is None:
        return ""
    return f"{run.predicted_cycles:,.0f} ({run.model_error:+.1%})"


SYNTHESES: Final = {
    "naas-synthesis": "naas, C-K 8 x 8, AXI4, 64 KiB",
    "chipleap-synthesis": f"ChipLeap, {chipleap_steps.SYNTHESISED}, 64 KiB",
    "chipleap-synthesis_small": f"the same, two buffers of {chipleap_steps.SMALL_WORDS} words",
    f"nngen-synthesis_{CNN}": f"NNgen, {TITLES[CNN]}",
    "nngen-synthesis_gemm64": f"NNgen, {TITLES['gemm64']}",
}
"""Step -> what it synthesises."""


def _synthesis_table(outcomes: Outcomes) -> str:
    head = ["design", "MACs", "LUT4", "a MAC", "FF", "DSP", "block RAM", "lines of Verilog"]
    rows = [_synthesis_row(title, outcomes.get(name)) for name, title in SYNTHESES.items()]
    return markdown_table(head, rows)


def _synthesis_row(title: str, outcome: Outcome | None) -> list[str]:
    if outcome is None or outcome.status is not Status.DONE:
        return [title, "", reason_of(outcome), *[""] * 5]
    facts = outcome.facts
    counts = [f"{facts[key]:,}" for key in ("ff", "dsp", "block_ram", "verilog_lines")]
    each = facts["lut4"] / facts["multipliers"]
    return [title, str(facts["multipliers"]), f"{facts['lut4']:,}", f"{each:.0f}", *counts]


def _effort_table(outcomes: Outcomes) -> str:
    efforts = {
        "naas": (naas_steps.COMMANDS, "naas-first"),
        "chipleap": (chipleap_steps.COMMANDS, "chipleap-first"),
        "nngen": (nngen_steps.COMMANDS, nngen_steps.FIRST),
    }
    rows = []
    for tool, (commands, first) in efforts.items():
        installed, verified = outcomes.get(f"{tool}-install"), outcomes.get(first)
        times = [_times(installed), _times(verified)]
        rows.append([TOOLS[tool], "; ".join(commands), *times])
    head = ["tool", "what a user does", "install", "first design"]
    return (
        f"{markdown_table(head, rows, left=2)}\n\nSeconds of CPU, and by the clock in parentheses."
    )


def _times(outcome: Outcome | None) -> str:
    if outcome is None or outcome.status is not Status.DONE:
        return reason_of(outcome)
    if "cpu_seconds" not in outcome.facts:
        return NOT_MEASURED
    return f"{outcome.facts['cpu_seconds']:,.0f} s ({outcome.facts['seconds']:,.0f} s)"
