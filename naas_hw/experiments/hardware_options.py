"""What each width of drain and each option of the hardware adds on an FPGA."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import DevicePart, Resources
from naas_hw.workload.option import Option

Synthesise = Callable[[Accelerator], Resources]
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SynthesisedVariant:
    """A variant of an accelerator, as synthesised.

    Parameters
    ----------
    label : what differs from the accelerator that the others are compared with.
    accelerator : what was synthesised.
    resources : of the accelerator alone.
    """

    label: str
    accelerator: Accelerator
    resources: Resources


def variants(accelerator: Accelerator) -> Iterator[tuple[str, Accelerator]]:
    """The accelerator with a quarter of a beat and no option, then each change of it alone.

    The last one has all lanes and all options.
    """
    lanes = accelerator.beat_bytes // 4
    changes = {option.value: False for option in Option}
    plain = accelerator.model_copy(update={"drain_lanes": lanes, **changes})
    yield f"D = {lanes}, no option", plain
    for more in (2 * lanes, 4 * lanes):
        yield f"D = {more}", plain.model_copy(update={"drain_lanes": more})
    for option in Option:
        yield option.value.replace("_", " "), plain.model_copy(update={option.value: True})
    everything = {option.value: True for option in Option}
    whole = plain.model_copy(update={"drain_lanes": 4 * lanes, **everything})
    yield f"D = {4 * lanes}, all options", whole


def synthesise_variants(
    accelerator: Accelerator, synthesise: Synthesise, tell: Tell
) -> list[SynthesisedVariant]:
    """Synthesise each variant, one after the other.

    Parameters
    ----------
    synthesise : gives the resources of an accelerator.
    tell : told of each variant before it begins.
    """
    synthesised = []
    for label, variant in variants(accelerator):
        tell(f"{accelerator.name}, {label}: synthesis")
        synthesised.append(
            SynthesisedVariant(label=label, accelerator=variant, resources=synthesise(variant))
        )
    return synthesised


def options_markdown(synthesised: Sequence[SynthesisedVariant], part: DevicePart) -> str:
    """The first variant's resources, and what each other one adds to them."""
    first = synthesised[0]
    num_macs = first.accelerator.num_pes
    text = (
        f"`{first.accelerator.name}` ({first.accelerator.array_text}, {num_macs} MACs) on "
        f"{part.device.name}, as synthesised, without place and route. Each row but the first says "
        "what a change adds to the first. D is the number of output bytes that drain finishes in a "
        "cycle."
    )
    lines = [
        "| variant | LUT4 | LUT4 a MAC | FF | DSP | block RAM |",
        "|---|---:|---:|---:|---:|---:|",
        _first_row(first, num_macs),
        *(_row(one, first.resources, num_macs) for one in synthesised[1:]),
    ]
    return f"{text}\n\n" + "\n".join(lines)


def _first_row(first: SynthesisedVariant, num_macs: int) -> str:
    r = first.resources
    return (
        f"| {first.label} | {r.lut4:,} | {r.lut4 / num_macs:.1f} | {r.ff:,} | {r.dsp} | "
        f"{r.block_ram} |"
    )


def _row(variant: SynthesisedVariant, base: Resources, num_macs: int) -> str:
    r = variant.resources
    return (
        f"| {variant.label} | {r.lut4 - base.lut4:+,} | {(r.lut4 - base.lut4) / num_macs:+.1f} | "
        f"{r.ff - base.ff:+,} | {r.dsp - base.dsp:+} | {r.block_ram - base.block_ram:+} |"
    )
