"""What happens before a run: resets in its midst, and starts that end in each kind of error.

After any of them the next run has to be exact. A prelude works on a program that holds the same
layer twice: it starts the first, which it may spoil, and the second is the run that counts.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch import timing
from naas_hw.arch.accelerator import MAX_AXIS
from naas_hw.compiler.layout import with_checksum
from naas_hw.compiler.program import Program
from naas_hw.core.errors import InputError
from naas_hw.rtl.control.register_map import RANGE_BYTES
from naas_hw.rtl.control.status import Error
from naas_hw.sim.registers import REGISTERS, list_writes
from naas_hw.sim.run import BenchResult, Start

DONE: Final = 0b01
REFUSED: Final = 0b10
"""Bits of `interrupt_status`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prelude:
    """What is done before a run, and what has to come of it.

    Parameters
    ----------
    start : of the accelerator.
    errors : bits that the status has to name after it, and no others; None after a reset.
    image : memory, with what is wrong for the start in it.
    read_error_address, write_error_address : where memory answers SLVERR.
    """

    start: Start
    errors: frozenset[int] | None
    image: NDArray[np.uint8]
    read_error_address: int | None = None
    write_error_address: int | None = None

    def complaint(self, result: BenchResult) -> str | None:
        """What is wrong with the end of the prelude; None if nothing is."""
        if self.errors is None:
            return None if result.status == "reset" else f"the reset must come, not {result.status}"
        value = result.registers.get(REGISTERS["status"], -1)
        wanted = sum(1 << error for error in self.errors)
        if result.status == "done" and value == wanted:
            return None
        return f"the start before must end with status {wanted:#x}, not {result.status} {value:#x}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """What a prelude is made from.

    Parameters
    ----------
    program : the same layer twice.
    cycles : that the layer takes at least.
    base : where the program stands in memory.
    """

    program: Program
    cycles: int
    rng: np.random.Generator
    base: int = 0

    def start(self, index: int, **registers: int) -> Start:
        """Run one of the two layers; `registers` are written instead of what they are else."""
        program = self.program
        first, _ = program.regions[index]["descriptor"]
        writes = list_writes(
            descriptors=first, num_descriptors=1, writable=program.writable, base=self.base
        )
        changed = {REGISTERS[name]: value for name, value in registers.items()}
        return Start(
            writes=(
                (REGISTERS["interrupt_status"], DONE | REFUSED),
                *((address, changed.get(address, value)) for address, value in writes),
            ),
            reads=(REGISTERS["status"],),
        )

    def prelude(self, errors: Collection[int] | None) -> Prelude:
        """The start of the first layer with nothing changed yet."""
        return Prelude(
            start=self.start(0),
            errors=None if errors is None else frozenset(errors),
            image=self.program.image,
        )

    def spoiled(self, change: Callable[[NDArray[np.uint8]], None]) -> NDArray[np.uint8]:
        """Memory with a change in the first descriptor."""
        image = self.program.image.copy()
        change(image[slice(*self.program.regions[0]["descriptor"])])
        return image


def _reset(scene: Scene) -> Prelude:
    """Of accelerator and memory, at any cycle."""
    prelude = scene.prelude(None)
    after = int(scene.rng.integers(1, scene.cycles + 1))
    return replace(prelude, start=replace(prelude.start, reset_after=after))


def _core_reset(scene: Scene) -> Prelude:
    """Of the accelerator alone, at any cycle."""
    prelude = _reset(scene)
    return replace(prelude, start=replace(prelude.start, core_only=True))


def _start_while_busy(scene: Scene) -> Prelude:
    prelude = scene.prelude({Error.START_WHILE_BUSY})
    again = ((REGISTERS["control"], 1),)
    return replace(prelude, start=replace(prelude.start, writes_while_busy=again))


def _no_descriptor(scene: Scene) -> Prelude:
    """Zeros, which are wrong in most ways."""

    def clear(descriptor: NDArray[np.uint8]) -> None:
        descriptor[:] = 0

    errors = {
        *(Error.NOT_A_DESCRIPTOR, Error.OTHER_ACCELERATOR, Error.ZERO_BOUND, Error.USED_EXCEEDED),
        *(Error.CHECKSUM, Error.OTHER_FORMAT),
    }
    return replace(scene.prelude(errors), image=scene.spoiled(clear))


def _wrong_field(
    field: str, error: int, change: Callable[[int], int]
) -> Callable[[Scene], Prelude]:
    """The first entry of a field says something else; the checksum is right for it.

    Of the number that it says, the field keeps as many bits as it has.
    """

    def prelude(scene: Scene) -> Prelude:
        def spoil(descriptor: NDArray[np.uint8]) -> None:
            places = scene.program.layout.entry_places()
            place = next(p for p in places if (p.name, p.index) == (field, 0))
            word = int.from_bytes(descriptor.tobytes(), "little")
            ones = (1 << place.width) - 1
            old = word >> place.bit & ones
            word ^= (old ^ change(old) & ones) << place.bit
            changed = with_checksum(word.to_bytes(descriptor.size, "little"))
            descriptor[:] = np.frombuffer(changed, np.uint8)

        return replace(scene.prelude({error}), image=scene.spoiled(spoil))

    return prelude


def _wrong_checksum(scene: Scene) -> Prelude:
    """Flipped bits of the checksum, which stands at the end; nothing else is wrong."""

    def flip(descriptor: NDArray[np.uint8]) -> None:
        for bit in scene.rng.choice(32, size=int(scene.rng.integers(1, 33)), replace=False):
            descriptor[-1 - int(bit) // 8] ^= 1 << int(bit) % 8

    return replace(scene.prelude({Error.CHECKSUM}), image=scene.spoiled(flip))


def _descriptor_error(scene: Scene) -> Prelude:
    """The bus answers an error to a beat of the descriptor."""
    first, end = scene.program.regions[0]["descriptor"]
    prelude = scene.prelude({Error.DESCRIPTOR_READ})
    return replace(prelude, read_error_address=int(scene.rng.integers(first, end)))


def _read_error(scene: Scene) -> Prelude:
    first, _ = scene.program.regions[0]["weights"]
    return replace(scene.prelude({Error.DATA_READ}), read_error_address=first)


def _write_error(scene: Scene) -> Prelude:
    first, _ = scene.program.regions[0]["outputs"]
    return replace(scene.prelude({Error.DATA_WRITE}), write_error_address=first)


def _outside(scene: Scene) -> Prelude:
    """Nothing may be written."""
    start = scene.start(0, write_first=RANGE_BYTES, write_last=0)
    return replace(scene.prelude({Error.WRITE_OUTSIDE}), start=start)


def _watchdog(scene: Scene) -> Prelude:
    """Expires in the midst of a layer that is long enough, at one of its units."""
    units = max(1, (scene.cycles - timing.WATCHDOG_UNIT) // timing.WATCHDOG_UNIT)
    limit = int(scene.rng.integers(1, units + 1))
    expires = scene.cycles > (limit + 1) * timing.WATCHDOG_UNIT
    errors = {Error.WATCHDOG} if expires else set()
    limit = limit if expires else 0
    return replace(scene.prelude(errors), start=scene.start(0, watchdog=limit))


def check_prelude(name: str) -> None:
    """Refuse a name of nothing.

    Raises
    ------
    InputError : no prelude has it.
    """
    if name not in PRELUDES:
        raise InputError(f"before must be one of {', '.join(PRELUDES)}, not {name!r}")


PRELUDES: Final[Mapping[str, Callable[[Scene], Prelude]]] = {
    "reset": _reset,
    "core_reset": _core_reset,
    "start_while_busy": _start_while_busy,
    "no_descriptor": _no_descriptor,
    "wrong_checksum": _wrong_checksum,
    "wrong_magic": _wrong_field("magic", Error.NOT_A_DESCRIPTOR, lambda old: old ^ 1),
    "other_format": _wrong_field("format", Error.OTHER_FORMAT, lambda old: old ^ 1),
    "other_accelerator": _wrong_field("identity", Error.OTHER_ACCELERATOR, lambda old: old ^ 1),
    "zero_bound": _wrong_field("output_rows", Error.ZERO_BOUND, lambda old: 0),
    "depth_exceeded": _wrong_field("need_l2_words", Error.DEPTH_EXCEEDED, lambda old: -1),
    "used_exceeded": _wrong_field("used", Error.USED_EXCEEDED, lambda old: MAX_AXIS + 1),
    "descriptor_error": _descriptor_error,
    "read_error": _read_error,
    "write_error": _write_error,
    "outside": _outside,
    "watchdog": _watchdog,
}
"""By name. A new kind of error is one entry."""
