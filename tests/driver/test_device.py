"""The driver in Python runs programs on an accelerator in software, and says what goes wrong."""

from math import prod
from zlib import crc32

import numpy as np
import pytest
from driver_programs import DIGEST, OTHER_ORDERS, files, places_of_records, program_of
from software_accelerator import SoftwareAccelerator

from naas_hw.compiler.network_program import NetworkProgram
from naas_hw.core.errors import InputError
from naas_hw.driver.device import DeviceAccess, NetworkDevice
from naas_hw.driver.encoding import encode
from naas_hw.driver.program_file import VERSIONS, program_file_of
from naas_hw.driver.status import DeviceError, Status
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.rtl.control.register_map import IDENTITY, REGISTERS
from naas_hw.rtl.control.status import Error

BASE = 0x8000_3000


def device_of(accelerator: SoftwareAccelerator, *, size: int | None = None) -> NetworkDevice:
    program = program_file_of(accelerator.program, digest=DIGEST)
    return NetworkDevice(
        encode(program),
        accelerator.seen_by_host[:size],
        bus=accelerator.base,
        access=accelerator.access,
    )


def test_networks_run_through_registers_and_caches():
    for seed in (*range(20), *OTHER_ORDERS):
        graph = random_graph(seed)
        accelerator = SoftwareAccelerator(program_of(graph), digest=DIGEST, base=BASE)
        device = device_of(accelerator)
        device.load()
        rng = np.random.default_rng(seed)
        images = [random_inputs(graph, rng) for _ in range(2)]
        batch = {name: np.concatenate([one[name] for one in images]) for name in graph.inputs}
        results = device.run(batch, dtype="int8")
        for index, image in enumerate(images):
            wanted = run_integers(graph, image)
            for name in graph.outputs:
                assert np.array_equal(results[name][index], wanted[name]), (seed, name)
        assert len(accelerator.starts) == 2 * len(accelerator.program.segments)


@pytest.fixture(scope="module")
def program() -> NetworkProgram:
    return program_of(random_graph(3))


def test_a_file_of_another_accelerator_is_refused(program):
    with pytest.raises(InputError, match="of the accelerator 0000000000000007, not of 0123456789"):
        device_of(SoftwareAccelerator(program, digest=7))


def test_memory_must_be_there(program):
    accelerator = SoftwareAccelerator(program, digest=DIGEST)
    with pytest.raises(InputError, match=f"memory must have {program.image.size} bytes, not 100"):
        device_of(accelerator, size=100)
    accelerator.base = 5
    with pytest.raises(InputError, match="at a multiple of 4096 from 0 to .* not at 5"):
        device_of(accelerator)


def test_inputs_must_be_there(program):
    device = device_of(SoftwareAccelerator(program, digest=DIGEST))
    device.load()
    with pytest.raises(InputError, match=r"inputs must have .*, not only \['other'\]"):
        device.run({"other": np.zeros(3, np.float32)})
    inputs = random_inputs(random_graph(3), np.random.default_rng(0))
    with pytest.raises(InputError, match="inputs must have the same number of images"):
        device.run({name: value[:0] for name, value in inputs.items()})


@pytest.mark.parametrize(
    ("settings", "register", "status", "words"),
    [
        ({}, {"identity": 1}, Status.NO_ACCELERATOR, "not those of an accelerator"),
        ({}, {"versions": 1}, Status.OTHER_REGISTERS, "of another version"),
        ({}, {"busy": 1}, Status.BUSY, "still busy"),
        ({"polls": None}, {}, Status.TIMEOUT, "did not end within the limit"),
        (
            {"errors": 1 << Error.WATCHDOG},
            {},
            Status.HARDWARE_ERROR,
            "a layer took longer than the watchdog's limit and was stopped",
        ),
    ],
)
def test_what_goes_wrong_is_a_status(program, settings, register, status, words):
    accelerator = SoftwareAccelerator(program, digest=DIGEST, **settings)
    for name, value in register.items():
        accelerator.set(name, value)
    inputs = random_inputs(random_graph(3), np.random.default_rng(0))

    def whole() -> None:
        device = device_of(accelerator)
        device.load()
        device.run(inputs)

    with pytest.raises(DeviceError, match=words) as caught:
        whole()
    assert caught.value.status == status


def test_a_program_must_be_loaded(program):
    device = device_of(SoftwareAccelerator(program, digest=DIGEST))
    with pytest.raises(DeviceError, match="must be loaded before it runs"):
        device.execute()


def test_the_caller_may_wait_for_the_interrupt(program):
    accelerator = SoftwareAccelerator(program, digest=DIGEST, polls=0)
    waits: list[int] = []

    def wait() -> None:
        waits.append(1)

    access = DeviceAccess(
        read32=accelerator.read32,
        write32=accelerator.write32,
        flush=accelerator.flush,
        invalidate=accelerator.invalidate,
        wait=wait,
    )
    file = program_file_of(program, digest=DIGEST)
    device = NetworkDevice(file, accelerator.seen_by_host, bus=0, access=access)
    device.load()
    device.run(random_inputs(random_graph(3), np.random.default_rng(0)))
    assert len(waits) == len(program.segments)


def ending_at_once(digest: int) -> DeviceAccess:
    """Registers of an accelerator whose starts end at once, and do nothing."""
    values = {
        "identity": IDENTITY,
        "versions": VERSIONS,
        "digest_low": digest & 0xFFFF_FFFF,
        "digest_high": digest >> 32,
        "interrupt_status": 1,
    }
    names = {register.offset: register.name for register in REGISTERS}
    return DeviceAccess(
        read32=lambda offset: values.get(names[offset], 0),
        write32=lambda _offset, _value: None,
        max_polls=10,
    )


def run_zeros(content: bytes, access: DeviceAccess) -> None:
    """Run a program file on zeros; shapes that are too large for a test are left out."""
    device = NetworkDevice(content, np.zeros(1 << 20, np.uint8), bus=0, access=access)
    tensors = [device.program.tensors[name].tensor for name in device.program.inputs]
    if all(prod(tensor.graph_shape) < 1 << 20 for tensor in tensors):
        device.load()
        device.run({one.name: np.zeros(one.graph_shape, one.graph_dtype) for one in tensors})


def test_damage_behind_a_right_checksum_is_told_by_the_driver():
    """A run ends, is refused, or fails with a status, whatever a record says."""
    rng = np.random.default_rng(0)
    outcomes = set()
    for _, program in files(6):
        content = encode(program)
        places = places_of_records(content) // 4 * 4
        for _ in range(150):
            damaged = bytearray(content)
            place = int(rng.choice(places[places >= 32]))
            value = int(rng.choice([0, 1, 2, 8, 0x100, 0x7FFF_FFFF, 0xFFFF_FFFF]))
            damaged[place : place + 4] = value.to_bytes(4, "little")
            damaged[12:16] = crc32(damaged[16:]).to_bytes(4, "little")
            try:
                run_zeros(bytes(damaged), ending_at_once(program.digest))
                outcomes.add("run")
            except (InputError, DeviceError):
                outcomes.add("told")
    assert outcomes == {"run", "told"}
