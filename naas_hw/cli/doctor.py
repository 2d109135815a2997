"""`naas doctor`: which tools were found, what each enables, how to get what is missing."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
    as_json: Json = False,
) -> None:
    """List the tools that were found, what each enables, and how to get those that are missing.

    Examples
    --------
    naas doctor
    naas doctor --json
    """
    tools = find_tools()
    if as_json:
        print(tools_json(tools))
    else:
        Console().print(tools_table(tools))
