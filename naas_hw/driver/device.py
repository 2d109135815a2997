"""The driver in Python: the same calls as `naas.h`, through the same callbacks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.driver.decoding import decode
from naas_hw.driver.program_file import FileTensor, HostStep, ProgramFile, StartStep
from naas_hw.driver.status import DeviceError, Status
from naas_hw.driver.tensors import (
    ImageLayout,
    input_image,
    output_values,
    pack_input,
    read_tensor,
    write_tensor,
)
from naas_hw.graph.graph import Array
from naas_hw.graph.integer_execution import run_operator
from naas_hw.graph.quantised import QuantisedOperator, QuantisedTensor
from naas_hw.rtl.control.register_map import IDENTITY, RANGE_BYTES, REGISTERS

Compute = Callable[[QuantisedOperator, Mapping[str, QuantisedTensor], list[Array]], Array]
"""What an operator of the host makes of its inputs [C, H, W]."""

_OFFSETS: Final = {register.name: register.offset for register in REGISTERS}
_START: Final = 1
_BUSY: Final = 1
_DONE: Final = 1
_REFUSED: Final = 2


def _nothing(_first: int, _size: int) -> None:
    """Where the bus sees the host's caches."""


@dataclass(frozen=True, kw_only=True)
class DeviceAccess:
    """How the accelerator is reached.

    Parameters
    ----------
    read32, write32 : of a register, by its offset.
    flush, invalidate : of the host's caches, by first byte of the memory and number of bytes:
        bytes that the host wrote go to memory, bytes that it reads come from there.
    wait : returns when the interrupt came, or after the caller's own limit; None: the registers
        are read again and again, at most `max_polls` times.
    compute : operators of the host.
    """

    read32: Callable[[int], int]
    write32: Callable[[int, int], None]
    flush: Callable[[int, int], None] = _nothing
    invalidate: Callable[[int, int], None] = _nothing
    wait: Callable[[], None] | None = None
    max_polls: int = 1 << 24
    compute: Compute = run_operator


class NetworkDevice:
    """An accelerator with a program in its memory.

    Parameters
    ----------
    program : a program file, or its bytes.
    memory : uint8, which the accelerator reads and writes.
    bus : where the bus sees the first byte of it.
    access : registers, caches, waiting.

    Raises
    ------
    InputError : the file is damaged, or of another accelerator; the memory is too small, or stands
        where it must not.
    DeviceError : the registers are not those of an accelerator that this driver knows.
    """

    def __init__(
        self,
        program: ProgramFile | bytes,
        memory: NDArray[np.uint8],
        *,
        bus: int,
        access: DeviceAccess,
    ) -> None:
        self.program = program if isinstance(program, ProgramFile) else decode(program)
        self.memory = memory
        self._bus = bus
        self._access = access
        self._kept: dict[str, Array] = {}
        self._is_loaded = False
        self._check_memory()
        self._check_accelerator()

    def load(self) -> None:
        """Put descriptors, weights, scales and tables into memory. Once is enough."""
        if self._read("control") & _BUSY:
            raise DeviceError(Status.BUSY)
        constants = self.program.constants
        self.memory[: constants.size] = constants
        self._access.flush(0, constants.size)
        self._is_loaded = True

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        layout: ImageLayout | None = None,
        dtype: str | None = None,
    ) -> dict[str, Array]:
        """The outputs by name; images of a batch run one after the other.

        Parameters
        ----------
        inputs : by name, [batch, ...].
        layout : of images; that of the model if None.
        dtype : of the outputs, float32 or int8; that of the model if None.

        Raises
        ------
        InputError : an input is missing, or has another shape or type.
        DeviceError : the accelerator refused, failed or did not answer.
        """
        results = [self._run_image(image, layout, dtype) for image in _images(self.program, inputs)]
        tensors = self.program.tensors
        return {
            name: _joined(tensors[name], [one[name] for one in results])
            for name in self.program.outputs
        }

    def execute(self) -> None:
        """All steps, on what is in memory.

        Raises DeviceError as `run` does.
        """
        if not self._is_loaded:
            raise DeviceError(Status.NOT_LOADED)
        for step in self.program.steps:
            if isinstance(step, StartStep):
                self._start(step)
            else:
                self._compute(step)

    # ---------------------------------------------------------------- checks

    def _check_memory(self) -> None:
        needed, last = self.program.memory_bytes, (1 << 32) - self.program.memory_bytes
        if self.memory.size < needed:
            raise InputError(f"memory must have {needed} bytes, not {self.memory.size}")
        if self._bus % RANGE_BYTES or not 0 <= self._bus <= last:
            raise InputError(
                f"memory must begin at a multiple of {RANGE_BYTES} from 0 to {last} on the bus, "
                f"not at {self._bus}"
            )

    def _check_accelerator(self) -> None:
        if self._read("identity") != IDENTITY:
            raise DeviceError(Status.NO_ACCELERATOR)
        if self._read("versions") != self.program.versions:
            raise DeviceError(Status.OTHER_REGISTERS)
        digest = self._read("digest_low") | self._read("digest_high") << 32
        if digest != self.program.digest:
            raise InputError(
                f"a program file must be of the accelerator {digest:016x}, "
                f"not of {self.program.digest:016x}"
            )

    # ---------------------------------------------------------------- tensors

    def _run_image(
        self, inputs: Mapping[str, Array], layout: ImageLayout | None, dtype: str | None
    ) -> dict[str, Array]:
        for name in self.program.inputs:
            tensor = self.program.tensors[name]
            if tensor.place is None:
                self._kept[name] = input_image(tensor.tensor, inputs[name], layout)
            else:
                self._access.invalidate(*_range(tensor))
                pack_input(tensor, inputs[name], self.memory, layout=layout)
                self._access.flush(*_range(tensor))
        self.execute()
        return {
            name: output_values(self.program.tensors[name].tensor, self._get(name), layout, dtype)
            for name in self.program.outputs
        }

    def _get(self, name: str) -> Array:
        tensor = self.program.tensors[name]
        if tensor.place is None:
            return self._kept[name]
        self._access.invalidate(*_range(tensor))
        return read_tensor(tensor, self.memory)

    def _put(self, name: str, image: Array) -> None:
        tensor = self.program.tensors[name]
        if tensor.place is None:
            self._kept[name] = image
            return
        self._access.invalidate(*_range(tensor))
        write_tensor(tensor, image, self.memory)
        self._access.flush(*_range(tensor))

    # ---------------------------------------------------------------- steps

    def _compute(self, step: HostStep) -> None:
        tensors = {name: one.tensor for name, one in self.program.tensors.items()}
        given = [self._get(name) for name in step.operator.inputs]
        try:
            made = self._access.compute(step.operator, tensors, given)
            self._put(step.operator.output, made)
        except (ValueError, LookupError, TypeError) as error:
            raise DeviceError(Status.OPERATOR_FAILED) from error

    def _start(self, step: StartStep) -> None:
        if self._read("control") & _BUSY:
            raise DeviceError(Status.BUSY)
        first, end = self.program.writable
        for name, value in (
            ("interrupt_status", _DONE | _REFUSED),
            ("write_first", first),
            ("write_last", end - 1),
            ("watchdog", step.watchdog),
            ("base", self._bus),
            ("interrupt_global_enable", 1),
            ("interrupt_enable", _DONE | _REFUSED),
            ("descriptors_low", step.descriptor_address),
            ("descriptors_high", 0),
            ("num_descriptors", step.num_descriptors),
            ("control", _START),
        ):
            self._write(name, value)
        interrupt = self._wait()
        if not interrupt:
            raise DeviceError(Status.TIMEOUT)
        self._write("interrupt_status", interrupt)
        errors = self._read("status")
        if interrupt & _REFUSED:
            raise DeviceError(Status.REFUSED, errors)
        if errors:
            raise DeviceError(Status.HARDWARE_ERROR, errors)

    def _wait(self) -> int:
        """What interrupted; 0 after the limit."""
        if self._access.wait is not None:
            self._access.wait()
            return self._read("interrupt_status")
        for _ in range(self._access.max_polls):
            interrupt = self._read("interrupt_status")
            if interrupt:
                return interrupt
        return 0

    def _read(self, name: str) -> int:
        return self._access.read32(_OFFSETS[name])

    def _write(self, name: str, value: int) -> None:
        self._access.write32(_OFFSETS[name], value)


def _range(tensor: FileTensor) -> tuple[int, int]:
    """First byte of a tensor in memory, and how many there are."""
    if tensor.place is None:
        raise ValueError(f"{tensor.tensor.name!r} must lie in memory")
    return tensor.place.first, tensor.place.end - tensor.place.first


def _images(program: ProgramFile, inputs: Mapping[str, Array]) -> list[dict[str, Array]]:
    """The images of a batch, each in the shape that the model has."""
    missing = [name for name in program.inputs if name not in inputs]
    if missing:
        raise InputError(f"inputs must have {missing[0]!r}, not only {sorted(inputs)}")
    parts = {name: _parts(program.tensors[name], inputs[name]) for name in program.inputs}
    counts = sorted({len(images) for images in parts.values()})
    if len(counts) != 1 or not counts[0]:
        raise InputError(f"inputs must have the same number of images, 1 or more, not {counts}")
    return [{name: images[index] for name, images in parts.items()} for index in range(counts[0])]


def _parts(tensor: FileTensor, values: Array) -> list[Array]:
    """The images of one input; a model whose first axis is no batch has one image."""
    if not _has_batch(tensor) or not values.ndim:
        return [values]
    return [values[image : image + 1] for image in range(len(values))]


def _joined(tensor: FileTensor, images: list[Array]) -> Array:
    """The results of all images; along a new axis if the model has none for them."""
    if _has_batch(tensor):
        return np.concatenate(images)
    return images[0] if len(images) == 1 else np.stack(images)


def _has_batch(tensor: FileTensor) -> bool:
    return tensor.tensor.graph_shape[:1] == (1,)
