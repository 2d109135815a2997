"""`naas quantise MODEL --data D -o Q`: a float model in int8."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from naas_hw.cli.choices import MAX_COUNT, choice_of
from naas_hw.cli.models import InputShape, shape_of
from naas_hw.cli.options import Json
from naas_hw.cli.panels import MAIN, METHOD, NETWORK
from naas_hw.core.errors import InputError
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.api.quantisation import QuantisationReport


_SMALLEST_DIVISOR: Final = 1e-6


def numbers_of(text: str, option: str) -> tuple[float, ...]:
    """`0.485,0.456,0.406` as numbers.

    Raises
    ------
    InputError : anything else.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3) or not all(abs(number) < 1e6 for number in numbers):
        raise InputError(f"{option} must be one number or three like 0.5,0.5,0.5, not {text!r}")
    return numbers


def lines_of(report: "QuantisationReport", output: Path) -> list[str]:
    """What is printed of a report."""
    kept = [
        name
        for name, is_kept in (
            ("cross-layer equalisation", report.equalised),
            ("bias correction", report.bias_corrected),
        )
        if is_kept
    ]
    lines = [
        f"mean squared error of the outputs on {report.num_images} samples: {report.error:.2g} "
        "of their mean square",
        f"reduced by: {', '.join(kept) or 'neither equalisation nor bias correction'}",
    ]
    if report.accuracy is not None:
        lines.append(f"accuracy: {report.accuracy.words}")
    return [*lines, f"{report.model} in int8: {printable(str(output))}"]


def figures_of(report: "QuantisationReport") -> dict[str, object]:
    """A report as JSON has it."""
    measured = report.accuracy
    return {
        "model": report.model,
        "num_images": report.num_images,
        "seeded": report.seeded,
        "error": report.error,
        "equalised": report.equalised,
        "bias_corrected": report.bias_corrected,
        "float_accuracy": report.float_accuracy,
        "integer_accuracy": report.integer_accuracy,
        "num_samples": None if measured is None else measured.num_samples,
        "data": None if measured is None else measured.data,
    }


def quantise(
    model: Annotated[
        str,
        typer.Argument(
            help="The float model: an .onnx, .tflite or .pt2 file, a built-in name, or "
            "module:callable (this runs its code)."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The ONNX file that the command writes.", rich_help_panel=MAIN
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            help="A folder with calibration data: .npy files or pictures, and labels.npy if the "
            "accuracy is to be measured. Without it numbers are drawn at random.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(
            help="A folder with other labelled data, to measure the accuracy on.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace a file that exists already.", rich_help_panel=MAIN),
    ] = False,
    observer: Annotated[
        str,
        typer.Option(
            help="How the range of a tensor is found: mse, percentile or minmax.",
            rich_help_panel=METHOD,
        ),
    ] = "mse",
    percentile: Annotated[
        float,
        typer.Option(
            min=50,
            max=100,
            help="Percentage of the numbers that the percentile observer keeps on either side.",
            rich_help_panel=METHOD,
        ),
    ] = 99.99,
    images: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of samples of the data that calibrate the model; all by default.",
            rich_help_panel=METHOD,
        ),
    ] = None,
    no_equalisation: Annotated[
        bool,
        typer.Option(
            "--no-equalisation",
            help="Do not try cross-layer equalisation.",
            rich_help_panel=METHOD,
        ),
    ] = False,
    no_bias_correction: Annotated[
        bool,
        typer.Option(
            "--no-bias-correction", help="Do not try bias correction.", rich_help_panel=METHOD
        ),
    ] = False,
    input_shape: InputShape = None,
    mean: Annotated[
        str,
        typer.Option(
            help="The mean that is subtracted from pictures, whose pixels are 0 to 1: one "
            "number or three.",
            rich_help_panel=NETWORK,
        ),
    ] = "0",
    deviation: Annotated[
        str,
        typer.Option(
            help="The standard deviation by which pictures are then divided: one number or three.",
            rich_help_panel=NETWORK,
        ),
    ] = "1",
    as_json: Json = False,
) -> None:
    """Quantise a float model to int8 and write it as an ONNX file.

    Equalisation and bias correction are each applied if they reduce the error on the data.

    Examples
    --------
    naas quantise model.onnx --data images -o model_int8.onnx
    naas quantise model.pt2 --data images --test labelled -o q.onnx --json
    naas quantise mobilenet_v2 -o q.onnx --observer minmax --force
    """
    from naas_hw.api.quantisation import quantise as quantise_model
    from naas_hw.graph.quantise.data import PictureSettings
    from naas_hw.graph.quantise.settings import Observer, QuantiseSettings

    settings = QuantiseSettings(
        observer=choice_of(Observer, observer, "--observer"),
        percentile=percentile,
        equalise=not no_equalisation,
        correct_bias=not no_bias_correction,
        num_images=images,
    )
    pictures = PictureSettings(
        mean=numbers_of(mean, "--mean"), deviation=_divisors(deviation, "--deviation")
    )
    if output.exists() and not force:
        raise InputError(f"{output} exists already (--force replaces it)")
    shape = shape_of(input_shape)
    report = quantise_model(
        model,
        output,
        data=data,
        test=test,
        settings=settings,
        input_shapes=None if shape is None else {"": shape},
        pictures=pictures,
    )
    if report.seeded:
        print("warning: without --data the ranges are those of random numbers", file=sys.stderr)
    if as_json:
        print(json.dumps(figures_of(report), indent=2))
        return
    for line in lines_of(report, output):
        print(line)


def _divisors(text: str, option: str) -> tuple[float, ...]:
    numbers = numbers_of(text, option)
    if min(numbers) < _SMALLEST_DIVISOR:
        raise InputError(f"{option} must be {_SMALLEST_DIVISOR} or more, not {text!r}")
    return numbers
