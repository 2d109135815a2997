"""`naas reproduce fpga`: the model of resources and clock, fitted to designs and tested."""

from pathlib import Path
from typing import Final

from rich.console import Console

from naas_hw.cli.reproduce.options import Options, Section, words_of
from naas_hw.core.errors import InputError

DATA: Final = Path("naas_hw/cost/fpga/data")
DEVICE: Final = "lfe5u-85f"
LIMIT_MINUTES: Final = 60.0


def fpga_section(options: Options, screen: Console) -> Section:
    """Designs for the fit with one seed, held-out ones with three, large ones without any.

    All are kept in the data folder.
    """
    from naas_hw.arch.devices import find_part
    from naas_hw.cost.fpga.model import ENOUGH_DESIGNS
    from naas_hw.cost.fpga.records import Role, read_records
    from naas_hw.experiments.fpga_builds import (
        FIT_SEEDS,
        HELD_OUT_SEEDS,
        LARGE_SEEDS,
        BuildEffort,
        build_designs,
    )
    from naas_hw.experiments.fpga_designs import NUM_LARGE, draw_designs
    from naas_hw.experiments.fpga_model import evaluate_model, model_markdown

    def tell(text: str) -> None:
        screen.print(text, markup=False)

    part, data = find_part(DEVICE), options.data or DATA
    is_routed = not options.synthesis_only
    limit_minutes = options.limit_minutes or LIMIT_MINUTES
    numbers = {
        Role.FIT: (_number(options.designs, ENOUGH_DESIGNS[Role.FIT]), FIT_SEEDS),
        Role.HELD_OUT: (_number(options.held_out, ENOUGH_DESIGNS[Role.HELD_OUT]), HELD_OUT_SEEDS),
        Role.LARGE: (_number(options.large, NUM_LARGE), LARGE_SEEDS),
    }
    for role, (num, seeds) in numbers.items():
        designs = draw_designs(num, role, seed=options.first_seed, part=part)
        effort = BuildEffort(seeds=seeds if is_routed else (), limit_minutes=limit_minutes)
        build_designs(designs, part, effort, data=data, keep=options.keep, tell=tell)
    records = read_records(data)
    if not records:
        raise InputError(f"{data} has no design, because none could be built")
    test = evaluate_model(records)
    words = words_of(
        "fpga",
        data=None if data == DATA else data.as_posix(),
        designs=options.designs,
        held_out=options.held_out,
        large=options.large,
        limit_minutes=options.limit_minutes,
        seed=options.seed,
    )
    words += ["--synthesis-only"] if options.synthesis_only else []
    return Section(words=words, body=model_markdown(test, records), holds=test.holds)


def _number(given: int | None, default: int) -> int:
    return default if given is None else given
