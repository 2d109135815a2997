"""Compiling the search before it starts, and saying so."""

from rich.console import Console
from rich.status import Status


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
            line = f"part {number} of {len(parts)}: {part.name}"
            if screen.is_terminal:
                status.update(line)
            else:
                screen.print(line, markup=False)
            part.use()
    return len(parts)
