"""An accelerator in software: registers, and the layers of a network on the bytes of memory."""

import numpy as np

from naas_hw.compiler.layout import SLOT_BYTES
from naas_hw.compiler.lowering.execution import LoweredExecution
from naas_hw.compiler.network_program import NetworkProgram
from naas_hw.driver.device import DeviceAccess
from naas_hw.driver.program_file import VERSIONS
from naas_hw.rtl.control.register_map import IDENTITY, REGISTERS

OFFSETS = {register.name: register.offset for register in REGISTERS}


class SoftwareAccelerator:
    """Runs a list of descriptors at once when it is started.

    The memory that it sees differs from what the host sees until caches are flushed and
    invalidated: each has a copy of its own.

    Parameters
    ----------
    polls : reads of `interrupt_status` that find nothing after a start; None: it never ends.
    errors : bits of the status register after each start.
    """

    def __init__(
        self,
        program: NetworkProgram,
        *,
        digest: int,
        base: int = 0,
        polls: int | None = 2,
        errors: int = 0,
    ) -> None:
        self.program = program
        self.base = base
        self.seen_by_host = np.random.default_rng(1).integers(0, 256, program.image.size, np.uint8)
        self.memory = self.seen_by_host.copy()
        self.starts: list[dict[str, int]] = []
        self._polls, self._errors = polls, errors
        self._values = {
            "identity": IDENTITY,
            "versions": VERSIONS,
            "digest_low": digest & 0xFFFF_FFFF,
            "digest_high": digest >> 32,
        }
        self._names = {offset: name for name, offset in OFFSETS.items()}
        self._left = 0

    @property
    def access(self) -> DeviceAccess:
        return DeviceAccess(
            read32=self.read32,
            write32=self.write32,
            flush=self.flush,
            invalidate=self.invalidate,
            max_polls=10,
        )

    def set(self, name: str, value: int) -> None:
        self._values[name] = value

    def read32(self, offset: int) -> int:
        name = self._names[offset]
        if name == "control":
            return self._values.get("busy", 0)
        if name == "interrupt_status" and self._values.get(name):
            if self._polls is None or self._left:
                self._left -= 1
                return 0
            self._values["busy"] = 0
        return self._values.get(name, 0)

    def write32(self, offset: int, value: int) -> None:
        name = self._names[offset]
        if name == "interrupt_status":
            self._values[name] = self._values.get(name, 0) & ~value
        elif name == "control":
            self._start()
        else:
            self._values[name] = value

    def flush(self, first: int, size: int) -> None:
        self.memory[first : first + size] = self.seen_by_host[first : first + size]

    def invalidate(self, first: int, size: int) -> None:
        self.seen_by_host[first : first + size] = self.memory[first : first + size]

    def _start(self) -> None:
        self.starts.append(dict(self._values))
        assert self._values["base"] == self.base
        writable = (self._values["write_first"], self._values["write_last"] + 1)
        assert writable == self.program.writable
        first = self._values["descriptors_low"] // SLOT_BYTES
        image = self.program.image[: writable[0]]
        assert np.array_equal(self.memory[: writable[0]], image)
        buffers = self.program.buffers_in(self.memory.view(np.int8))
        execution = LoweredExecution(self.program.lowered, buffers, np.random.default_rng(0))
        calls = self.program.lowered.layer_calls
        for call in calls[first : first + self._values["num_descriptors"]]:
            execution.layer(call)
        self._values |= {"interrupt_status": 1, "status": self._errors, "busy": 1}
        self._left = self._polls or 0
