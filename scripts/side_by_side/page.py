"""The section of a page that the command writes; all around its marks is written by hand."""

from pathlib import Path
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.system.files import read_file, write_file

BEGIN: Final = "<!-- begin side_by_side -->"
END: Final = "<!-- end side_by_side -->"
MAX_BYTES: Final = 1024 * 1024


def with_section(page: str, body: str) -> str:
    r"""The page with this text between its marks.

    Raises
    ------
    InputError : it does not have both marks, once and in order.

    Examples
    --------
    >>> page = f"Above. {BEGIN}\nold\n{END} Below."
    >>> with_section(page, "new") == page.replace("old", "new")
    True
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in after or END in after:
        raise InputError(f"the page must have {BEGIN} and below it {END}, once each")
    return f"{before}{BEGIN}\n{body.strip()}\n{END}{after}"


def replace_section(path: Path, body: str) -> None:
    """Write the section of a file."""
    page = read_file(path, max_bytes=MAX_BYTES).decode()
    write_file(path, with_section(page, body))
