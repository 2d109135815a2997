"""An accelerator as simulators take it: Verilog, its digest, and what the bench looks at."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.families import Family
from naas_hw.core.output_licence import SPDX_LINE
from naas_hw.core.version import __version__
from naas_hw.emit.families import primitive_models
from naas_hw.emit.verilog import emit_verilog
from naas_hw.rtl.accelerator import EVENTS, AcceleratorTop
from naas_hw.rtl.control.counters import l2_ports
from naas_hw.sim.build import Build

GENERATORS = ("rtl", "emit", "arch", "mapping", "compiler")
"""Packages of which the generated Verilog is a function."""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """Generated Verilog of one accelerator.

    Parameters
    ----------
    digest : 64 bits of accelerator and generator; stands in a register, and its low half in every
        descriptor.
    sources : file name -> Verilog text.
    family : whose forms of multiplier and memory are in it; the digest is the same for all.
    defines : macros that these sources need in every simulation.
    """

    accelerator: Accelerator
    digest: int
    sources: Mapping[str, str]
    family: Family = Family.GENERIC
    defines: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> int:
        """What a descriptor has to carry."""
        return self.digest & 0xFFFF_FFFF

    def build(self, *, defines: Mapping[str, str] | None = None) -> Build:
        """What the bench compiles."""
        return Build(
            sources={**self.sources, **primitive_models(self.family)},
            beat_bytes=self.accelerator.beat_bytes,
            num_events=len(EVENTS),
            num_l2=len(l2_ports(self.accelerator)),
            defines={**self.defines, **(defines or {})},
        )


@lru_cache(maxsize=1)
def generator_digest() -> str:
    """Digest of the code that generates Verilog."""
    root = Path(__file__).parents[1]
    files = [path for package in GENERATORS for path in sorted((root / package).rglob("*.py"))]
    text = hashlib.sha256()
    for path in files:
        text.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return text.hexdigest()


def hardware_digest(accelerator: Accelerator) -> int:
    """64 bits that tell this hardware from any other; what is outside the chip has no part."""
    inside = accelerator.model_dump_json(
        exclude={"name", "dram_latency_cycles", "dram_beat_period_cycles"}
    )
    digest = hashlib.sha256((generator_digest() + inside).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def generate(
    accelerator: Accelerator, *, family: Family = Family.GENERIC, digest: int | None = None
) -> Hardware:
    """Elaborate an accelerator and write its Verilog, with a family's multiplier and memory.

    Parameters
    ----------
    digest : that stands in a register; that of the hardware if None.
    """
    digest = hardware_digest(accelerator) if digest is None else digest
    inside = accelerator.model_copy(
        update={"name": "accelerator", "dram_latency_cycles": 1, "dram_beat_period_cycles": 1}
    )
    sources = emit_verilog(
        AcceleratorTop(inside, digest=digest), banner=_banner(inside, digest), family=family
    )
    return Hardware(accelerator=accelerator, digest=digest, sources=sources, family=family)


def _banner(accelerator: Accelerator, digest: int) -> str:
    lines = (
        SPDX_LINE,
        f"naas_hw {__version__}, digest {digest:016x}",
        f"array {accelerator.array_text}; {accelerator.beat_bytes} bytes a beat; "
        f"L2 {accelerator.num_banks} banks of {accelerator.bank_bytes} bytes",
        f"a PE: {accelerator.weight_buffer_bytes} bytes of weights, "
        f"{accelerator.input_buffer_bytes} of inputs; "
        f"{accelerator.accumulator_words} accumulators behind each tree",
    )
    return "\n".join(lines)
