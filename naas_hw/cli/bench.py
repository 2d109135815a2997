"""`naas bench NAME`: how fast the tool is on this machine."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from naas_hw.cli.bench_search import bench_search
from naas_hw.cli.choices import MAX_COUNT, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.models import Host, InputShape, Resolution, shape_of

if TYPE_CHECKING:
    from naas_hw.experiments.bench.model import ModelBench

bench = typer.Typer(no_args_is_help=True, help="Measure how fast the tool is, and how good it is.")


bench.command(name="search")(bench_search)


@bench.command()
def model(
    network: Annotated[
        str,
        typer.Argument(
            help="A built-in name, a .yaml or .pt2 file, or module:callable (this runs its code)."
        ),
    ] = "resnet50",
    accelerator: Annotated[str, typer.Option(help="A preset's name, or a YAML file.")] = "eyeriss",
    energy_table: Annotated[str, typer.Option(help="Energy table.")] = "default",
    bounds: Annotated[
        int, typer.Option(min=1, max=MAX_COUNT, help="Mappings bounded, of each layer.")
    ] = 4096,
    exact: Annotated[
        int, typer.Option(min=1, max=MAX_COUNT, help="Of these, timed exactly.")
    ] = 256,
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of the random mappings.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Measure the cost model on random legal mappings, and compare it with its readable form.

    Exit status 1 if any number differs.
    """
    from naas_hw import api
    from naas_hw.arch.technology import energy_table as find_table
    from naas_hw.experiments.bench.model import bench_model

    found = bench_model(
        api.find_network(
            network, resolution=resolution, input_shape=shape_of(input_shape), host=host or ()
        ),
        api.find_accelerator(accelerator),
        find_table(energy_table),
        num_bounds=bounds,
        num_exact=exact,
        seed=seed,
    )
    print(json.dumps(found.figures, indent=2) if as_json else "\n".join(_lines(found)))
    differs = found.comparison.max_difference_to_reference > 0
    return ExitStatus.DIFFERENT if differs else ExitStatus.DONE


@bench.command()
def spaces(
    names: Annotated[
        list[str] | None, typer.Argument(help="Or module:object; the built-in ones if none.")
    ] = None,
    encodings: Annotated[
        int, typer.Option(min=1, max=MAX_COUNT, help="Encodings of each, at random.")
    ] = 50_000,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of the encodings.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Measure how fast networks of a space become indices into its distinct layers."""
    from naas_hw.experiments.bench.spaces import bench_spaces
    from naas_hw.nas.spaces.builtin import BUILTIN_SPACES
    from naas_hw.nas.spaces.find import find_space

    found = bench_spaces(
        [find_space(name) for name in names or BUILTIN_SPACES], num_encodings=encodings, seed=seed
    )
    if as_json:
        figures = [
            {**asdict(rate), "encodings_per_cpu_second": rate.encodings_per_second}
            for rate in found
        ]
        print(json.dumps(figures, indent=2))
        return ExitStatus.DONE
    for rate in found:
        print(
            f"{rate.space}: {rate.encodings_per_second:,.0f} encodings a second of CPU into "
            f"{rate.num_layers} distinct layers"
        )
    return ExitStatus.DONE


def _lines(found: "ModelBench") -> list[str]:
    comparison = found.comparison
    return [
        f"{found.network} on {found.accelerator}: {found.num_layers} layers, CPU seconds, one core",
        f"bounds            {found.bounds_per_cpu_second:,.0f} a second, decoding included; "
        f"{found.bounds_ratio:,.0f} x the readable modules",
        f"exact             {found.exact_per_cpu_second:,.0f} a second, of up to "
        f"{found.max_steps:.2g} steps; {found.exact_ratio:,.0f} x the readable recurrence "
        f"on short nests",
        f"pairs             {found.pair_bounds_per_cpu_second:,.0f} bounds, "
        f"{found.pair_exact_per_cpu_second:,.0f} exact a second",
        f"gap of the bound  {found.mean_gap:.2%} in the mean, {found.max_gap:.0%} at most",
        f"difference        {comparison.max_difference_to_reference} in "
        f"{comparison.num_compared} mappings",
        f"exact in a search {found.share_exact_in_search:.2%} of the evaluations",
    ]
