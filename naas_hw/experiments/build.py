"""Accelerators on an FPGA side by side: the section of a document."""

from collections.abc import Sequence

from naas_hw.arch.accelerator import Accelerator
from naas_hw.fpga.build_report import BuildReport
from naas_hw.fpga.synthesis import Component

MOST_COMPONENTS = 12
"""Lines of a table of components; the others are one line together."""


def builds_markdown(built: Sequence[tuple[Accelerator, BuildReport]]) -> str:
    """What each design takes, how fast it is, and where its LUTs are."""
    first = built[0][1]
    tools = ", ".join(f"{name} {version}" for name, version in first.tools.items())
    text = (
        f"On {first.device}, {first.package}, speed grade {first.speed_grade}, with {tools}, "
        f"aiming at {first.target_mhz:g} MHz. LUT4, FF, DSP and block RAM are the accelerator's, "
        "AXI and all, as synthesised: a carry cell counts as two LUTs, 16 words of 4 bits in LUTs "
        "as six. The clock is after place and route, with registers around all ports."
    )
    if first.placer is not None:
        text += f" Placer of nextpnr: {first.placer}."
    lines = [
        "| design | array | MACs | clock | LUT4 | LUT4 a MAC | FF | DSP | block RAM | Verilog |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|",
        *(_row(accelerator, report) for accelerator, report in built),
    ]
    parts = [_components(report) for _, report in built]
    return "\n\n".join((text, "\n".join(lines), *parts))


def _row(accelerator: Accelerator, report: BuildReport) -> str:
    core = report.core
    of = {name: f" of {usage.available:,}" for name, usage in report.usage.items()}
    clock = f"none in {report.limit_minutes or 0:g} minutes" if report.is_placed else "none"
    if report.fmax_mhz is not None:
        clock = f"{report.fmax_mhz:.1f} MHz ({report.seeds_text})"
    return (
        f"| {report.accelerator} | {accelerator.array_text} | {report.num_macs} | "
        f"{clock} | {core.lut4:,}{of.get('lut4', '')} | "
        f"{report.lut4_per_mac:g} | {core.ff:,} | {core.dsp}{of.get('dsp', '')} | "
        f"{core.block_ram}{of.get('block_ram', '')} | {report.digest} |"
    )


def _components(report: BuildReport) -> str:
    shown = report.components[:MOST_COMPONENTS]
    rest = report.components[MOST_COMPONENTS:]
    lines = [
        "| module | instances | LUT4 | FF | DSP | block RAM |",
        "|---|---:|---:|---:|---:|---:|",
        *(_component(c.module, c.instances, [c]) for c in shown),
    ]
    if rest:
        lines.append(_component("all others", sum(c.instances for c in rest), rest))
    path = " -> ".join(f"`{name}`" for name in report.critical_components)
    through = f"critical path {report.critical_path_ns:.1f} ns through {path}"
    if report.fmax_mhz is None:
        limit = f"did not end within {report.limit_minutes or 0:g} minutes a seed"
        through = f"place and route {limit if report.is_placed else 'is left to Vivado'}"
    return (
        f"{report.accelerator} by component, without what it instantiates; {through}:\n\n"
        + "\n".join(lines)
    )


def _component(name: str, instances: int, parts: Sequence[Component]) -> str:
    lut4, ff, dsp, block_ram = (
        sum(getattr(part.resources, kind) for part in parts)
        for kind in ("lut4", "ff", "dsp", "block_ram")
    )
    return f"| {name} | {instances} | {lut4:,} | {ff:,} | {dsp} | {block_ram} |"
