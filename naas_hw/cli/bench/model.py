"""`naas bench model`: how fast the cost model is."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from naas_hw.cli.choices import MAX_COUNT
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.models import Host, InputShape, NetworkSource, Resolution, shape_of
from naas_hw.cli.options import Json, Seed
from naas_hw.cli.panels import MAIN, NETWORK

if TYPE_CHECKING:
    from naas_hw.experiments.bench.model import ModelBench


def model(
    network: NetworkSource = "resnet50",
    accelerator: Annotated[
        str,
        typer.Option(
            help="The accelerator: a preset's name, or a YAML file.", rich_help_panel=MAIN
        ),
    ] = "eyeriss",
    bounds: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of mappings of each layer whose lower bound is computed.",
            rich_help_panel=MAIN,
        ),
    ] = 4096,
    exact: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of them that are timed exactly.",
            rich_help_panel=MAIN,
        ),
    ] = 256,
    seed: Seed = 0,
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    energy_table: Annotated[
        str,
        typer.Option(help="A built-in energy table, or a YAML file.", rich_help_panel=NETWORK),
    ] = "default",
    as_json: Json = False,
) -> int:
    """Measure the cost model on random legal mappings, and compare it with its readable form.

    The exit status is 1 if any number differs.

    Examples
    --------
    naas bench model
    naas bench model mobilenet_v2 --accelerator nvdla-256 --json
    """
    from naas_hw import api
    from naas_hw.arch.technology import energy_table as find_table
    from naas_hw.experiments.bench.model import bench_model

    bench = bench_model(
        api.find_network(
            network, resolution=resolution, input_shape=shape_of(input_shape), host=host or ()
        ),
        api.find_accelerator(accelerator),
        find_table(energy_table),
        num_bounds=bounds,
        num_exact=exact,
        seed=seed,
    )
    print(json.dumps(bench.figures, indent=2) if as_json else "\n".join(_lines(bench)))
    differs = bench.comparison.max_difference_to_reference > 0
    return ExitStatus.DIFFERENT if differs else ExitStatus.DONE


def _lines(bench: "ModelBench") -> list[str]:
    comparison = bench.comparison
    return [
        f"{bench.network} on {bench.accelerator}: {bench.num_layers} layers, CPU seconds, one core",
        f"bounds            {bench.bounds_per_cpu_second:,.0f} a second, decoding included; "
        f"{bench.bounds_ratio:,.0f} x the readable modules",
        f"exact             {bench.exact_per_cpu_second:,.0f} a second, of up to "
        f"{bench.max_steps:.2g} steps; {bench.exact_ratio:,.0f} x the readable recurrence "
        f"on short nests",
        f"pairs             {bench.pair_bounds_per_cpu_second:,.0f} bounds, "
        f"{bench.pair_exact_per_cpu_second:,.0f} exact a second",
        f"gap of the bound  {bench.mean_gap:.2%} in the mean, {bench.max_gap:.0%} at most",
        f"difference        {comparison.max_difference_to_reference} in "
        f"{comparison.num_compared} mappings",
        f"exact in a search {bench.share_exact_in_search:.2%} of the evaluations",
    ]
