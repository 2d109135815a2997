"""`naas doctor`: which tools were found, and whether the files of a run belong together."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import Json
from naas_hw.system.tools import Tool, find_tools


def tools_json(tools: tuple[Tool, ...]) -> str:
    """The tools as JSON: `tools`, a list; `ok`, whether none is missing."""
    listed = [
        {**asdict(tool), "path": str(tool.path) if tool.path else None, "found": tool.found}
        for tool in tools
    ]
    return json.dumps({"tools": listed, "ok": all(tool.found for tool in tools)}, indent=2)


def tools_table(tools: tuple[Tool, ...]) -> Table:
    """The tools as a table, a row a tool."""
    table = Table(title="Tools", title_justify="left")
    table.add_column("tool", no_wrap=True)
    for column in ("version", "enables", "where, or how to get it"):
        table.add_column(column, overflow="fold")
    for tool in tools:
        where = str(tool.path) if tool.found else f"missing: {tool.how_to_get}"
        table.add_row(
            Text(tool.name, style="" if tool.found else "bold red"),
            Text(tool.version or "-"),
            Text(tool.enables),
            Text(where),
        )
    return table


def doctor(
    run: Annotated[
        Path | None,
        typer.Argument(help="A run folder whose files are checked, instead of the tools."),
    ] = None,
    as_json: Json = False,
) -> int:
    """List the tools that were found, or say whether the files of a run still belong together.

    It says what each tool enables, and how to get those that are missing. For a run, it names files
    that were edited or deleted since naas wrote them, and hardware, programs, report and builds
    that are of another design. The exit status is 1 if it finds such a file.

    Examples
    --------
    naas doctor
    naas doctor run
    naas doctor run --json
    """
    if run is not None:
        return _check(run, as_json)
    tools = find_tools()
    if as_json:
        print(tools_json(tools))
    else:
        Console().print(tools_table(tools))
    return ExitStatus.DONE


def _check(run: Path, as_json: bool) -> int:
    from naas_hw.api.consistency import findings

    found = findings(run)
    if as_json:
        print(json.dumps({"ok": not found, "findings": found}, indent=2))
    else:
        for sentence in found or ["the files of the run belong together"]:
            print(sentence)
    return ExitStatus.DIFFERENT if found else ExitStatus.DONE
