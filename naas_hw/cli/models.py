"""Options of the commands that take a model: its input, and what of it is left to the host."""

from typing import Annotated

import typer

from naas_hw.cli.choices import MAX_RESOLUTION
from naas_hw.core.errors import InputError

Resolution = Annotated[
    int | None,
    typer.Option(
        min=1, max=MAX_RESOLUTION, help="Rows and columns of the image, instead of the model's own."
    ),
]
InputShape = Annotated[
    str | None, typer.Option(help="The whole shape of the input, like 1x3x224x224.")
]
Host = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OPERATOR",
        help="Leave operators of this kind to the host, as `naas check` names it; may be repeated.",
    ),
]


def parse_shape(text: str) -> tuple[int, ...]:
    """`1x3x224x224` as sizes.

    Raises
    ------
    InputError for anything else.
    """
    parts = text.lower().split("x")
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        raise InputError(f"--input-shape must be sizes like 1x3x224x224, not {text!r}")
    return tuple(map(int, parts))


def shape_of(text: str | None) -> tuple[int, ...] | None:
    """The option's shape, if it is given."""
    return None if text is None else parse_shape(text)
