"""Compiling the search before it starts, and saying so."""

from rich.console import Console
from rich.status import Status

from naas_hw.cli.steps import say_part


def compile_search(screen: Console) -> int:
    """Compile what is missing of the search, with a line for each part; how many parts it was."""
    from naas_hw.search.compilation import missing_parts

    parts = missing_parts()
    if not parts:
        return 0
    screen.print(
        "Compiling the search for this machine: this happens once and takes up to a minute."
    )
    with Status("", console=screen) as status:
        for number, part in enumerate(parts, start=1):
            say_part(screen, status, f"part {number} of {len(parts)}: {part.name}")
            part.use()
    return len(parts)
