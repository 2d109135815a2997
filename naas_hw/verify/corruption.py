"""Descriptors that went wrong on their way: bits, entries of fields, beats."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from naas_hw.compiler.layout import CHECKSUM_BYTES, DescriptorLayout, EntryPlace, with_checksum

MOST_BITS = 8
MOST_ENTRIES = 6


class CorruptionKind(StrEnum):
    """What is changed."""

    BIT = "bit"
    BITS = "bits"
    ENTRY = "entry"
    ENTRIES = "entries"
    EXTREME = "extreme"
    BEAT = "beat"


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """A changed descriptor.

    Parameters
    ----------
    kind : of the change.
    is_mended : whether its checksum is right for what it says.
    descriptor : all of its bytes.
    """

    kind: CorruptionKind
    is_mended: bool
    descriptor: bytes


def draw_corruption(
    descriptor: bytes, layout: DescriptorLayout, rng: np.random.Generator, *, is_mended: bool
) -> Corruption:
    """Change a descriptor at random; the result always says something else.

    Parameters
    ----------
    layout : of the descriptor.
    is_mended : make the checksum right again; else it stays what it was, unless it is what changes.
    """
    kinds = list(CorruptionKind)
    kind = kinds[int(rng.integers(len(kinds)))]
    content = descriptor[:-CHECKSUM_BYTES]
    while True:
        changed = _changed(kind, descriptor, layout, rng)
        if changed[:-CHECKSUM_BYTES] != content or (not is_mended and changed != descriptor):
            break
    return Corruption(
        kind=kind,
        is_mended=is_mended,
        descriptor=with_checksum(changed) if is_mended else changed,
    )


def _changed(
    kind: CorruptionKind, descriptor: bytes, layout: DescriptorLayout, rng: np.random.Generator
) -> bytes:
    if kind is CorruptionKind.BEAT:
        return _with_other_beat(descriptor, layout.beat_bytes, rng)
    word = int.from_bytes(descriptor, "little")
    num_bits = 8 * len(descriptor)
    if kind in (CorruptionKind.BIT, CorruptionKind.BITS):
        number = 1 if kind is CorruptionKind.BIT else int(rng.integers(2, MOST_BITS + 1))
        for bit in rng.choice(num_bits, number, replace=False):
            word ^= 1 << int(bit)
    else:
        places = layout.entry_places()
        number = int(rng.integers(2, MOST_ENTRIES + 1)) if kind is CorruptionKind.ENTRIES else 1
        for index in rng.choice(len(places), number, replace=False):
            place = places[int(index)]
            old = word >> place.bit & ((1 << place.width) - 1)
            new = _other_value(old, place, rng, extreme=kind is CorruptionKind.EXTREME)
            word ^= (old ^ new) << place.bit
    return word.to_bytes(len(descriptor), "little")


def _other_value(old: int, place: EntryPlace, rng: np.random.Generator, *, extreme: bool) -> int:
    most = (1 << place.width) - 1
    if not extreme:
        return int(rng.integers(most + 1))
    choices = (0, 1, most, most >> 1, (old + 1) & most, (old - 1) & most)
    return choices[int(rng.integers(len(choices)))]


def _with_other_beat(descriptor: bytes, beat_bytes: int, rng: np.random.Generator) -> bytes:
    """One beat is zeros, ones, or another beat of the descriptor."""
    num_beats = len(descriptor) // beat_bytes
    target, source = (int(i) * beat_bytes for i in rng.integers(num_beats, size=2))
    others = (bytes(beat_bytes), b"\xff" * beat_bytes, descriptor[source : source + beat_bytes])
    other = others[int(rng.integers(len(others)))]
    return descriptor[:target] + other + descriptor[target + beat_bytes :]
