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
    from naas_hw.arch.devices import TARGET_MHZ, find_part
    from naas_hw.arch.files import read_accelerator
    from naas_hw.experiments.builds import builds_markdown
    from naas_hw.fpga.build import build

    part = find_part(DEVICE)
    built = []
    for example in EXAMPLES:
        accelerator = read_accelerator(example)
        screen.print(f"{accelerator.name}: synthesis, place and route", markup=False)
        result = build(accelerator, part, seeds=SEEDS, limit_minutes=LIMIT_MINUTES)
        built.append((accelerator, result.report))
    words = build_words(EXAMPLES, part, TARGET_MHZ, SEEDS, LIMIT_MINUTES)
    return Section(words=words, body=builds_markdown(built))
