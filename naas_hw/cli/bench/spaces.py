"""`naas bench spaces`: how fast networks of a space are looked up."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from naas_hw.cli.choices import MAX_COUNT
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import Json, Seed
from naas_hw.cli.panels import MAIN


def spaces(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="The spaces, each a built-in name or module:object (this runs its code); all "
            "built-in ones by default."
        ),
    ] = None,
    encodings: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of random networks of each space.",
            rich_help_panel=MAIN,
        ),
    ] = 50_000,
    seed: Seed = 0,
    as_json: Json = False,
) -> int:
    """Measure how fast networks of a space are encoded as indices of distinct layers.

    Examples
    --------
    naas bench spaces
    naas bench spaces ofa-resnet50 --encodings 10000 --json
    """
    from naas_hw.experiments.bench.spaces import bench_spaces
    from naas_hw.nas.spaces.builtin import BUILTIN_SPACES
    from naas_hw.nas.spaces.find import find_space

    rates = bench_spaces(
        [find_space(name) for name in names or BUILTIN_SPACES], num_encodings=encodings, seed=seed
    )
    if as_json:
        figures = [
            {**asdict(rate), "encodings_per_cpu_second": rate.encodings_per_second}
            for rate in rates
        ]
        print(json.dumps(figures, indent=2))
        return ExitStatus.DONE
    for rate in rates:
        print(
            f"{rate.space}: {rate.encodings_per_second:,.0f} encodings a second of CPU into "
            f"{rate.num_layers} distinct layers"
        )
    return ExitStatus.DONE
