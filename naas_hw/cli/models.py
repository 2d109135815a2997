"""The networks that a command takes, and options that change them."""

from pathlib import Path
from typing import Annotated, Final

import typer

from naas_hw.cli.choices import MAX_RESOLUTION
from naas_hw.cli.panels import NETWORK
from naas_hw.core.errors import InputError

_SOURCES: Final = (
    "a built-in name, a .onnx, .tflite, .yaml or .pt2 file, or module:callable (this runs its code)"
)

NetworkSource = Annotated[str, typer.Argument(help=f"The network: {_SOURCES}.")]
NetworkSources = Annotated[list[str] | None, typer.Argument(help=f"The networks, each {_SOURCES}.")]
Resolution = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_RESOLUTION,
        help="Rows and columns of the image, instead of the network's own.",
        rich_help_panel=NETWORK,
    ),
]
InputShape = Annotated[
    str | None,
    typer.Option(
        help="The whole shape of the input, such as 1x3x224x224.", rich_help_panel=NETWORK
    ),
]
LayersOnly = Annotated[
    bool,
    typer.Option(
        "--layers-only",
        help="Take the shapes of convolutions and linear layers only, as the tables of the paper "
        "do, not the whole network with its values.",
        rich_help_panel=NETWORK,
    ),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="A folder with calibration data (.npy files, images) for a float model; with "
        "labels.npy in it the accuracy is measured and kept, also of a quantised model.",
        rich_help_panel=NETWORK,
    ),
]
Host = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OPERATOR",
        help="Leave operators of this kind, as `naas check` names it, to the host. The option may "
        "be repeated.",
        rich_help_panel=NETWORK,
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
