"""`naas compile`: the machine code of the search, made before the first search needs it."""

import json

from rich.console import Console

from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import Json


def compile_(as_json: Json = False) -> int:
    """Compile the search for this machine now, instead of at the first search.

    Examples
    --------
    naas compile
    naas compile --json
    """
    from naas_hw.cli.compiling import compile_search

    num_parts = compile_search(Console(stderr=True, highlight=False, soft_wrap=True))
    if as_json:
        print(json.dumps({"ok": True, "parts_compiled": num_parts}, indent=2))
    else:
        print("The search is compiled and kept on disk.")
    return ExitStatus.DONE
