"""The check of a descriptor: whether it came whole, and whether this accelerator can run it."""

from collections.abc import Hashable, Iterator
from typing import Any, Final

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.fields import (
    BOUNDS,
    COUNTS,
    DESCRIPTOR_VERSION,
    LAYOUT,
    MAGIC,
    NEST,
    OUTER,
    Quantity,
    memory_words,
)
from naas_hw.rtl.control.checksum import Checksum
from naas_hw.rtl.control.status import FINDINGS
from naas_hw.rtl.primitives.config import RECORD_STROBES, FieldSignature
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS: Final = (
    "magic",
    "format",
    "identity",
    "need_weight_words",
    "need_input_bytes",
    "need_accumulator_words",
    "need_scale_words",
    "need_l2_words",
    "used",
    *COUNTS,
    *BOUNDS[NEST],
    *BOUNDS[OUTER],
)

MAX_AXES: Final = 3

Findings: Final = data.StructLayout({error.name.lower(): 1 for error in FINDINGS})
"""A bit for each of `FINDINGS`, named after it."""


class DescriptorCheck(SharedComponent):
    """Checks a descriptor beat by beat as it comes, and its fields once they stand still.

    Golden model: `naas_hw.compiler.layout.with_checksum` for the checksum; the rest compares fields
    with constants.

    Parameters
    ----------
    accelerator : sizes that a descriptor must not exceed.
    identity : 32 bits that a descriptor has to carry.

    Members
    -------
    valid : In, 1 bit; a beat comes in this cycle.
    first : In, 1 bit; it is the first one of a descriptor.
    beat : In, 8 * beat_bytes.
    fields : In, `FieldSignature`; the fields of the descriptor.
    findings : Out, `Findings`; what is wrong with the descriptor.

    Latency
    -------
    `findings` is right from the third cycle after the last beat of a descriptor until the first
    beat of the next one; there may be a beat in each cycle.

    Raises
    ------
    ValueError : the identity is too wide.
    """

    def __init__(self, accelerator: Accelerator, *, identity: int) -> None:
        if not 0 <= identity < 1 << 32:
            raise ValueError(f"identity must have at most 32 bits, not the value {identity}")
        self.accelerator = accelerator
        self.identity = identity
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "beat": In(8 * accelerator.beat_bytes),
                "fields": In(FieldSignature(FIELDS)),
                "findings": Out(Findings),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator, self.identity)

    def build(self, platform: Any) -> Module:
        m = Module()
        fields = self.fields
        findings = self.findings
        m.d.sync += [
            findings.not_a_descriptor.eq(fields.magic != MAGIC),
            findings.other_accelerator.eq(fields.identity != self.identity),
            findings.zero_bound.eq(self._zero_bound(m) | self._zero_count(m)),
            findings.depth_exceeded.eq(self._exceeds_depth()),
            findings.used_exceeded.eq(self._exceeds_axes()),
            findings.checksum.eq(~self._is_whole(m)),
            findings.other_format.eq(fields.format != DESCRIPTOR_VERSION),
        ]
        return m

    def _is_whole(self, m: Module) -> Value:
        """Whether the checksum at the end is that of all beats before it."""
        m.submodules.sum = checksum = Checksum(beat_bytes=self.accelerator.beat_bytes)
        beat = ("valid", "first", "beat")
        connect(m, flipped(part_of(self, *beat)), part_of(checksum, *beat))
        return checksum.is_whole

    def _zero_bound(self, m: Module) -> Value:
        """Whether a loop of the records that came has no trip."""
        has_zero = Signal()
        with m.If(self.valid & self.first):
            m.d.sync += has_zero.eq(0)
        for count, names in BOUNDS.items():
            is_zero = Cat(getattr(self.fields, name) == 0 for name in names).any()
            with m.If(getattr(self.fields, RECORD_STROBES[count]) & is_zero):
                m.d.sync += has_zero.eq(1)
        return has_zero

    def _zero_count(self, m: Module) -> Value:
        """Whether a static field that becomes trips is zero."""
        has_zero = Signal()
        m.d.sync += has_zero.eq(Cat(entry == 0 for entry in self._counts()).any())
        return has_zero

    def _counts(self) -> Iterator[Value]:
        """Every entry of the fields that become trips."""
        for spec in LAYOUT:
            if spec.name in COUNTS:
                field = getattr(self.fields, spec.name)
                yield from [field] if spec.count == 1 else (field[i] for i in range(spec.count))

    def _exceeds_depth(self) -> Value:
        """Whether the layer needs more words of a memory than there are."""
        fields = self.fields
        words = memory_words(self.accelerator)
        limits = (
            (fields.need_weight_words, words[Quantity.NEED_WEIGHTS]),
            (fields.need_input_bytes, words[Quantity.NEED_INPUTS]),
            (fields.need_accumulator_words, words[Quantity.NEED_ACCUMULATORS]),
            (fields.need_scale_words, words[Quantity.NEED_SCALES]),
            (fields.need_l2_words, words[Quantity.NEED_L2]),
        )
        return Cat(need > limit for need, limit in limits).any()

    def _exceeds_axes(self) -> Value:
        """Whether the layer uses no position of an axis, or more than there are."""
        sizes = [axis.size for axis in self.accelerator.axes]
        sizes += [1] * (MAX_AXES - len(sizes))
        used = [self.fields.used[i] for i in range(MAX_AXES)]
        return Cat((u == 0) | (u > size) for u, size in zip(used, sizes, strict=True)).any()
