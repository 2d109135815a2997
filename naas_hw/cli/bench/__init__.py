"""`naas bench NAME`: how fast the tool is on this machine."""

import typer

from naas_hw.cli.bench.all import bench_all
from naas_hw.cli.bench.contract import contract
from naas_hw.cli.bench.model import model
from naas_hw.cli.bench.quickstart import bench_of_quickstart
from naas_hw.cli.bench.search import bench_search
from naas_hw.cli.bench.spaces import spaces
from naas_hw.cli.command import Command, Group

bench = typer.Typer(cls=Group, no_args_is_help=True)
bench.command(name="search", cls=Command)(bench_search)
bench.command(cls=Command)(model)
bench.command(cls=Command)(spaces)
bench.command(cls=Command)(contract)
bench.command(name="quickstart", cls=Command)(bench_of_quickstart)
bench.command(name="all", cls=Command)(bench_all)


@bench.callback()
def _bench() -> None:
    """Measure how fast the tool is on this machine, and how good its results are.

    Examples
    --------
    naas bench model
    naas bench search resnet50 --budget eyeriss --json
    """
