"""The driver in C, compiled, as functions of Python."""

import ctypes
import subprocess
from collections.abc import Callable, Mapping, Sequence
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.driver.device import DeviceAccess
from naas_hw.driver.file_format import DTYPES, MAX_RANK, FileSection
from naas_hw.driver.sources import driver_sources
from naas_hw.driver.status import Status
from naas_hw.driver.tensors import ImageLayout
from naas_hw.emit.package import design_facts
from naas_hw.emit.registers import register_files

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
MAX_OPERANDS = 32
LAYOUTS = {None: 0, ImageLayout.NCHW: 1, ImageLayout.NHWC: 2}


class Region(Structure):
    _fields_ = [("pointer", c_void_p), ("bus", c_uint64), ("size", c_size_t)]


class ArrayOfNumbers(Structure):
    _fields_ = [("data", c_void_p), ("type", c_int), ("layout", c_int)]


class Tensor(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("type", c_int),
        ("rank", c_uint32),
        ("shape", c_uint32 * MAX_RANK),
        ("channels", c_uint32),
        ("rows", c_uint32),
        ("columns", c_uint32),
        ("scale", c_float),
        ("zero_point", c_int32),
        ("channels_last", c_int),
    ]


class Operand(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("type", c_int),
        ("rank", c_uint32),
        ("shape", c_uint32 * MAX_RANK),
    ]

    def array(self) -> NDArray[Any]:
        """Its numbers; writing to them writes to the driver's."""
        shape = tuple(self.shape[: self.rank])
        dtype = np.dtype(DTYPES[self.type])
        size = int(np.prod(shape)) * dtype.itemsize
        content = (c_uint8 * size).from_address(self.data)
        return np.frombuffer(memoryview(content), dtype).reshape(shape)


class Call(Structure):
    _fields_ = [
        ("device", c_void_p),
        ("name", c_char_p),
        ("kind", c_char_p),
        ("num_inputs", c_uint32),
        ("inputs", Operand * MAX_OPERANDS),
        ("output", Operand),
        ("first_attribute", c_uint32),
        ("num_attributes", c_uint32),
    ]


READ = CFUNCTYPE(c_uint32, c_void_p, c_uint32)
WRITE = CFUNCTYPE(None, c_void_p, c_uint32, c_uint32)
CACHE = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
WAIT = CFUNCTYPE(c_int, c_void_p)
COMPUTE = CFUNCTYPE(c_int, c_void_p, POINTER(Call))


class Io(Structure):
    _fields_ = [
        ("context", c_void_p),
        ("read32", READ),
        ("write32", WRITE),
        ("flush", CACHE),
        ("invalidate", CACHE),
        ("wait", WAIT),
        ("max_polls", c_uint32),
        ("compute", COMPUTE),
    ]


class Needs(Structure):
    _fields_ = [
        ("digest", c_uint64),
        ("memory_bytes", c_uint64),
        ("workspace_bytes", c_uint64),
        ("num_inputs", c_uint32),
        ("num_outputs", c_uint32),
    ]


class SectionBytes(Structure):
    _fields_ = [("bytes", c_void_p), ("size", c_size_t)]


class DeviceOfC(Structure):
    _fields_ = [
        ("io", Io),
        ("memory", Region),
        ("workspace", c_void_p),
        ("workspace_size", c_size_t),
        ("workspace_used", c_size_t),
        ("sections", SectionBytes * len(FileSection)),
        ("needs", Needs),
        ("versions", c_uint32),
        ("writable_first", c_uint64),
        ("writable_end", c_uint64),
        ("host_bytes", c_uint64),
        ("errors", c_uint32),
        ("is_loaded", c_int),
    ]


def compile_driver(accelerator: Accelerator, digest: int, folder: Path) -> Path:
    """A shared library of the driver, and the example beside it."""
    texts = driver_sources()
    texts["naas_registers.h"] = register_files(design_facts(accelerator, digest))[
        "naas_registers.h"
    ]
    for name, text in texts.items():
        (folder / name).write_text(text)
    library = folder / "libnaas.so"
    sources = ["naas.c", "naas_operators.c"]
    for command in (
        ["gcc", *WARNINGS, "-O1", "-shared", "-fPIC", *sources, "-lm", "-o", library.name],
        ["gcc", *WARNINGS, "-fsyntax-only", "example_linux.c"],
    ):
        subprocess.run(command, cwd=folder, check=True)
    return library


class CompiledDriver:
    """A device of the driver in C.

    Parameters
    ----------
    program : the bytes of a program file.
    memory : uint8, as the host sees it.
    compute : operators that the driver does not know: called with their call; returns a status.
    workspace_bytes : what the program file asks for if None.
    """

    def __init__(
        self,
        library: Path,
        program: bytes,
        memory: NDArray[np.uint8],
        *,
        bus: int,
        access: DeviceAccess,
        compute: Callable[[Any], int] | None = None,
        workspace_bytes: int | None = None,
    ) -> None:
        self.library = ctypes.CDLL(str(library))
        self.library.naas_status_text.restype = c_char_p
        self.library.naas_error_text.restype = c_char_p
        self.library.naas_text.restype = c_char_p
        self._program = np.zeros(len(program) // 8 + 1, np.uint64)
        self._size = len(program)
        self._program.view(np.uint8)[: self._size] = np.frombuffer(program, np.uint8)
        self._memory, self._bus = memory, bus
        self.device = DeviceOfC()
        self.needs = Needs()
        self.checked = Status(
            self.library.naas_check(self._pointer(), c_size_t(self._size), byref(self.needs))
        )
        if workspace_bytes is None:
            workspace_bytes = self.needs.workspace_bytes
        self._workspace = np.zeros(workspace_bytes // 8 + 1, np.uint64)
        self._workspace_bytes = workspace_bytes
        self._io = self._callbacks(access, compute)

    def _pointer(self) -> c_void_p:
        return c_void_p(self._program.ctypes.data)

    def _callbacks(self, access: DeviceAccess, compute: Callable[[Any], int] | None) -> Io:
        start = self._memory.ctypes.data
        wait = access.wait

        def waited(_: Any) -> int:
            assert wait is not None
            wait()
            return 0

        return Io(
            context=None,
            read32=READ(lambda _, offset: access.read32(offset)),
            write32=WRITE(lambda _, offset, value: access.write32(offset, value)),
            flush=CACHE(lambda _, first, size: access.flush(first - start, size)),
            invalidate=CACHE(lambda _, first, size: access.invalidate(first - start, size)),
            wait=WAIT() if wait is None else WAIT(waited),
            max_polls=access.max_polls,
            compute=COMPUTE() if compute is None else COMPUTE(lambda _, call: compute(call)),
        )

    def open(self) -> Status:
        region = Region(self._memory.ctypes.data, self._bus, self._memory.size)
        return Status(
            self.library.naas_open(
                byref(self.device),
                self._pointer(),
                c_size_t(self._size),
                region,
                c_void_p(self._workspace.ctypes.data),
                c_size_t(self._workspace_bytes),
                byref(self._io),
            )
        )

    def load(self) -> Status:
        return Status(self.library.naas_load(byref(self.device)))

    def run(
        self,
        inputs: Sequence[NDArray[Any]],
        outputs: Sequence[NDArray[Any]],
        num_images: int = 1,
        layout: ImageLayout | None = None,
    ) -> Status:
        """Run images; the numbers of the outputs are written into their arrays."""
        given = _arrays(inputs, layout)
        wanted = _arrays(outputs, layout)
        return Status(
            self.library.naas_run(byref(self.device), given, wanted, c_uint32(num_images))
        )

    def tensors(self, what: str) -> list[Tensor]:
        """The inputs, or the outputs."""
        count = {"input": self.needs.num_inputs, "output": self.needs.num_outputs}[what]
        found = [Tensor() for _ in range(count)]
        for index, tensor in enumerate(found):
            function = getattr(self.library, f"naas_{what}")
            assert function(byref(self.device), c_uint32(index), byref(tensor)) == Status.OK
        return found

    def attributes(self, call: Any, names: Mapping[str, int]) -> dict[str, list[float]]:
        """Numbers of attributes, at most so many of each."""
        found = {}
        for name, count in names.items():
            values = (c_double * count)()
            size = self.library.naas_reals(call, name.encode(), values, c_uint32(count))
            found[name] = list(values)[:size]
        return found


def _arrays(values: Sequence[NDArray[Any]], layout: ImageLayout | None) -> Any:
    records = [
        ArrayOfNumbers(one.ctypes.data, DTYPES.index(one.dtype.name), LAYOUTS[layout])
        for one in values
    ]
    return (ArrayOfNumbers * len(records))(*records)
