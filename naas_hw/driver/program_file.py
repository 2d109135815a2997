"""A network as a host runs it: what stands in a program file, apart from its bytes.

`naas_hw.driver.file_format` says how it becomes bytes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch import timing
from naas_hw.compiler.fields import DESCRIPTOR_VERSION
from naas_hw.compiler.layout import EntryPlace
from naas_hw.compiler.lowering.values import HostCall, LoweredNetwork, PlacedTensor
from naas_hw.compiler.network_program import NetworkProgram, Segment
from naas_hw.graph.quantised import Pair, QuantisedOperator, QuantisedTensor, Rearranged, Shape
from naas_hw.mapping.geometry import ceil_div
from naas_hw.rtl.control.register_map import REGISTER_MAP_VERSION

VERSIONS = DESCRIPTOR_VERSION << 16 | REGISTER_MAP_VERSION
"""What the register `versions` reads as."""

WATCHDOG_FACTOR = 2
"""The watchdog's limit over the prediction: room for a memory that is slower than predicted."""


def watchdog_units(cycles: int) -> int:
    """A limit for a layer of so many predicted cycles."""
    return ceil_div(WATCHDOG_FACTOR * cycles, timing.WATCHDOG_UNIT)


@dataclass(frozen=True, kw_only=True, eq=False)
class MemoryPlace:
    """Where the bytes of a tensor [C, H, W] stand in memory, counted from the program's base.

    Number (c, h, w) stands at `address + channel_offsets[h mod rows, w mod columns, c]
    + (h div rows) row_pitch + (w div columns) pixel_pitch`, with (rows, columns) = `fold`.

    Parameters
    ----------
    channel_offsets : uint32 [rows, columns, C].
    first, end : the first byte of the tensor's beats, and the byte behind the last.
    """

    address: int
    row_pitch: int
    pixel_pitch: int
    fold: Pair
    channel_offsets: NDArray[np.uint32]
    first: int
    end: int

    def byte_addresses(self, shape: Shape) -> NDArray[np.int64]:
        """The address of each number of a tensor of this shape."""
        _, row, column = np.ogrid[: shape[0], : shape[1], : shape[2]]
        (down, above), (across, left) = divmod(row, self.fold[0]), divmod(column, self.fold[1])
        offsets = self.channel_offsets.astype(np.int64)
        channel = np.arange(shape[0]).reshape(-1, 1, 1)
        addresses: NDArray[np.int64] = offsets[above, left, channel] + self.address
        addresses += down * self.row_pitch + across * self.pixel_pitch
        return addresses


@dataclass(frozen=True, kw_only=True, eq=False)
class FileTensor:
    """A tensor, and where it lies.

    Parameters
    ----------
    place : None for numbers that the host keeps.
    """

    tensor: QuantisedTensor
    place: MemoryPlace | None


@dataclass(frozen=True, kw_only=True)
class StartStep:
    """A start of the accelerator.

    Parameters
    ----------
    descriptor_address : of the first descriptor, from the program's base.
    watchdog : limit of a layer, in units of `timing.WATCHDOG_UNIT` cycles; 0: none.
    """

    descriptor_address: int
    num_descriptors: int
    watchdog: int


@dataclass(frozen=True, kw_only=True, eq=False)
class HostStep:
    """An operator of the host.

    Parameters
    ----------
    name : of the call.
    operator : with names of tensors of the file.
    """

    name: str
    operator: QuantisedOperator


Step = StartStep | HostStep


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgramFile:
    """All that a host needs to run a network.

    Parameters
    ----------
    digest : of the accelerator, as its registers say it.
    versions : what the register `versions` must read as.
    memory_bytes : the program needs so many from its base on.
    writable : (first byte, byte behind the last) that the accelerator may write.
    constants : uint8, what stands in memory from the base on before the first run; the rest may
        be anything.
    tensors : by name: inputs, outputs, and all that steps of the host read or write.
    inputs, outputs : names.
    fields : where the entries of a descriptor stand.
    """

    digest: int
    versions: int
    beat_bytes: int
    memory_bytes: int
    writable: tuple[int, int]
    constants: NDArray[np.uint8]
    steps: tuple[Step, ...]
    tensors: Mapping[str, FileTensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    fields: tuple[EntryPlace, ...]


def program_file_of(
    program: NetworkProgram, *, digest: int, cycles: Mapping[str, int] | None = None
) -> ProgramFile:
    """What the host needs of a network program.

    Parameters
    ----------
    digest : of the accelerator.
    cycles : predicted of each layer, by name, for the watchdog; without it no layer is stopped.
    """
    lowered = program.lowered
    orders = _Orders(program)
    steps: list[Step] = [*orders.written(lowered.inputs)]
    for step in program.steps:
        if isinstance(step, HostCall):
            steps += orders.read(step.inputs)
        steps.append(_step(step, cycles or {}))
        if isinstance(step, HostCall):
            steps += orders.written((step.output,))
    steps += orders.read(lowered.outputs)
    return ProgramFile(
        digest=digest,
        versions=VERSIONS,
        beat_bytes=program.beat_bytes,
        memory_bytes=program.image.size,
        writable=program.writable,
        constants=program.image[: program.writable[0]],
        steps=tuple(steps),
        tensors=orders.tensors,
        inputs=tuple(tensor.name for tensor in lowered.inputs),
        outputs=tuple(tensor.name for tensor in lowered.outputs),
        fields=program.layout.entry_places(),
    )


class _Orders:
    """The tensors that the host sees, and steps for those that lie as another image.

    Such a tensor is kept by the host. The image has a name of its own, and the host puts the
    numbers of one into the order of the other.
    """

    def __init__(self, program: NetworkProgram) -> None:
        self.tensors: dict[str, FileTensor] = {}
        self.images: dict[str, str] = {}
        for placed in _tensors(program.lowered):
            tensor = program.lowered.graph.tensors[placed.name]
            if placed.order is None:
                place = _place(program, placed)
                self.tensors[placed.name] = FileTensor(tensor=tensor, place=place)
                continue
            self.images[placed.name] = name = _image_name(program, placed)
            image = replace(
                tensor,
                name=name,
                shape=placed.order.shape,
                graph_shape=(1, *placed.order.shape),
                channels_last=False,
            )
            self.tensors[placed.name] = FileTensor(tensor=tensor, place=None)
            self.tensors[name] = FileTensor(tensor=image, place=_place(program, placed))
        self.is_made: set[str] = set()

    def read(self, tensors: Iterable[PlacedTensor]) -> Iterator[HostStep]:
        """Steps before the host reads tensors: each is put in order once."""
        for placed in tensors:
            if placed.order is not None and placed.name not in self.is_made:
                self.is_made.add(placed.name)
                order = Rearranged(
                    name=self.images[placed.name],
                    inputs=(self.images[placed.name],),
                    output=placed.name,
                    before=placed.order.before,
                    axes=placed.order.axes,
                    after=placed.shape,
                )
                yield HostStep(name=order.name, operator=order)

    def written(self, tensors: Iterable[PlacedTensor]) -> Iterator[HostStep]:
        """Steps behind tensors that the host has: their images are put in order."""
        for placed in tensors:
            self.is_made.add(placed.name)
            if placed.order is not None:
                before, axes = placed.order.before, placed.order.axes
                order = Rearranged(
                    name=self.images[placed.name],
                    inputs=(placed.name,),
                    output=self.images[placed.name],
                    before=tuple(before[axis] for axis in axes),
                    axes=tuple(axes.index(axis) for axis in range(len(axes))),
                    after=placed.order.shape,
                )
                yield HostStep(name=order.name, operator=order)


def _image_name(program: NetworkProgram, placed: PlacedTensor) -> str:
    """A name that no tensor of the network has, for the image that a tensor lies as."""
    name = f"{placed.name} as it lies"
    while name in program.lowered.graph.tensors:
        name += "."
    return name


def _tensors(lowered: LoweredNetwork) -> tuple[PlacedTensor, ...]:
    """Those that the host sees."""
    ends = (*lowered.inputs, *lowered.outputs)
    between = [(*call.inputs, call.output) for call in lowered.host_calls]
    return ends + tuple(tensor for tensors in between for tensor in tensors)


def _step(step: Segment | HostCall, cycles: Mapping[str, int]) -> Step:
    if isinstance(step, HostCall):
        return HostStep(name=step.name, operator=step.operator)
    longest = max(cycles.get(call.layer.name, 0) for call in step.calls)
    return StartStep(
        descriptor_address=step.descriptor_address,
        num_descriptors=step.num_descriptors,
        watchdog=watchdog_units(longest),
    )


def _place(program: NetworkProgram, tensor: PlacedTensor) -> MemoryPlace | None:
    if tensor.view is None:
        return None
    beat, pitches = program.beat_bytes, tensor.view.pitches
    start = program.addresses[tensor.view.buffer]
    blocks, lanes = np.divmod(np.array(tensor.channels, np.int64), beat)
    offsets = blocks * pitches.block * beat + lanes
    first, end = (start + beats * beat for beats in tensor.beat_range(beat))
    return MemoryPlace(
        address=start + tensor.view.offset * beat,
        row_pitch=pitches.row * beat,
        pixel_pitch=pitches.pixel * beat,
        fold=tensor.fold,
        channel_offsets=offsets.astype(np.uint32).reshape(*tensor.fold, tensor.image_shape[0]),
        first=first,
        end=end,
    )
