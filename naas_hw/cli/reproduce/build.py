"""`naas reproduce build`: two arrays of 64 PEs on an FPGA."""

from pathlib import Path
from typing import Final

from rich.console import Console

from naas_hw.cli.build import build_words
from naas_hw.cli.reproduce.options import Options, Section

EXAMPLES: Final = (Path("examples/ck8x8.yaml"), Path("examples/pq8x8.yaml"))
DEVICE: Final = "lfe5u-85f"
SEEDS: Final = (1,)
LIMIT_MINUTES: Final = 60.0


def build_section(options: Options, screen: Console) -> Section:
    """Both to utilisation, and to a clock where place and route ends within the limit."""
    from naas_hw import api
    from naas_hw.experiments.build import builds_markdown

    settings = api.BuildSettings(
        part=api.find_part(DEVICE), seeds=SEEDS, limit_minutes=LIMIT_MINUTES
    )
    built = []
    for example in EXAMPLES:
        accelerator = api.find_accelerator(str(example))
        screen.print(f"{accelerator.name}: synthesis, place and route", markup=False)
        built.append((accelerator, api.build(accelerator, settings)))
    return Section(words=build_words(EXAMPLES, settings), body=builds_markdown(built))
