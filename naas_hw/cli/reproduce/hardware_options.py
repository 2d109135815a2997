"""`naas reproduce options`: what each width of drain and each option of the hardware adds."""

from typing import Final

from rich.console import Console

from naas_hw.cli.reproduce.options import Options, Section, words_of

EXAMPLE: Final = "examples/ck8x8.yaml"
DEVICE: Final = "lfe5u-85f"


def options_section(options: Options, screen: Console) -> Section:
    """Each variant of an array of 64 PEs, as synthesised."""
    from naas_hw import api
    from naas_hw.arch.accelerator import Accelerator
    from naas_hw.arch.devices import Resources, find_part
    from naas_hw.experiments.fpga_builds import BuildEffort, build_with_effort
    from naas_hw.experiments.hardware_options import options_markdown, synthesise_variants

    part = find_part(DEVICE)
    effort = BuildEffort(seeds=(), limit_minutes=options.limit_minutes or 60.0)

    def synthesise(accelerator: Accelerator) -> Resources:
        return build_with_effort(accelerator, part, effort).report.core

    def tell(text: str) -> None:
        screen.print(text, markup=False)

    synthesised = synthesise_variants(api.find_accelerator(EXAMPLE), synthesise, tell)
    words = words_of("options", limit_minutes=options.limit_minutes)
    return Section(words=words, body=options_markdown(synthesised, part))
