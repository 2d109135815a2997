"""The driver in C: the same answers as the driver in Python, and a status for all that is wrong."""

import re
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from compiled_driver import WARNINGS, CompiledDriver, Operand, compile_driver
from driver_programs import DIGEST, OTHER_ORDERS, orders_of, places_of_records, program_of
from integer_networks import convolution, network
from plain_mappings import accelerator
from software_accelerator import OFFSETS, SoftwareAccelerator

from naas_hw.driver.device import DeviceAccess
from naas_hw.driver.encoding import encode
from naas_hw.driver.program_file import HostStep, program_file_of
from naas_hw.driver.status import TEXTS, Status
from naas_hw.driver.tensors import ImageLayout
from naas_hw.graph.graph import Attribute
from naas_hw.graph.integer_execution import image_of, model_values, run_integers
from naas_hw.graph.quantised import HostFunction, QuantisedGraph, Rearranged
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.rtl.control.status import ERRORS, Error

pytestmark = pytest.mark.needs("g++")

BASE = 0x8000_3000


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_driver(accelerator(8), DIGEST, tmp_path_factory.mktemp("driver"))


def driver_of(library: Path, graph: QuantisedGraph, **settings: object) -> CompiledDriver:
    hardware = SoftwareAccelerator(program_of(graph), digest=DIGEST, base=BASE)
    content = encode(program_file_of(hardware.program, digest=DIGEST))
    return CompiledDriver(
        library,
        content,
        hardware.seen_by_host,
        bus=BASE,
        access=hardware.access,
        **settings,  # type: ignore[arg-type]
    )


def ready(driver: CompiledDriver) -> CompiledDriver:
    assert [driver.checked, driver.open(), driver.load()] == [Status.OK] * 3
    return driver


def test_networks_give_the_bytes_of_the_reference(library):
    for seed in (*range(20), *OTHER_ORDERS):
        graph = random_graph(seed)
        driver = ready(driver_of(library, graph))
        rng = np.random.default_rng(seed)
        images = [random_inputs(graph, rng) for _ in range(2)]
        inputs = [np.concatenate([one[name] for one in images]) for name in graph.inputs]
        outputs = [
            np.zeros((2, *graph.tensors[name].graph_shape[1:]), np.int8) for name in graph.outputs
        ]
        assert driver.run(inputs, outputs, 2) == Status.OK
        for index, image in enumerate(images):
            wanted = run_integers(graph, image)
            for name, found in zip(graph.outputs, outputs, strict=True):
                assert np.array_equal(found[index], wanted[name]), (seed, name)


def test_tensors_have_their_names_and_shapes(library):
    graph = random_graph(7)
    driver = ready(driver_of(library, graph))
    for what, names in (("input", graph.inputs), ("output", graph.outputs)):
        for mine, name in zip(driver.tensors(what), names, strict=True):
            tensor = graph.tensors[name]
            assert mine.name.decode() == name
            assert tuple(mine.shape[: mine.rank]) == tensor.graph_shape
            assert (mine.channels, mine.rows, mine.columns) == tensor.shape
            assert (mine.scale, mine.zero_point) == (np.float32(tensor.scale), tensor.zero_point)


def test_real_numbers_in_either_layout(library):
    shape = (3, 4, 5)
    graph = network({"x": shape, "y": (4, 4, 5)}, convolution("x", "y", (4, 3, 1, 1)))
    rng = np.random.default_rng(0)
    driver = ready(driver_of(library, graph))
    values = rng.uniform(-200, 200, (1, *shape)).astype(np.float32)
    values[0, 0, 0] = [0.5, 1.5, 2.5, -0.5, -1.5]  # ties go to the even number
    image = image_of(graph.tensors["x"], values)
    wanted = model_values(graph.tensors["y"], run_integers(graph, {"x": image[None]})["y"])
    for layout, axes in ((None, None), (ImageLayout.NCHW, None), (ImageLayout.NHWC, (0, 2, 3, 1))):
        given = np.ascontiguousarray(values if axes is None else values.transpose(axes))
        expected = wanted if axes is None else wanted.transpose(axes)
        found = np.zeros(expected.shape, np.float32)
        assert driver.run([given], [found], layout=layout) == Status.OK
        assert np.array_equal(found, expected)
    assert driver.run([values.astype(np.uint8)], [found]) == Status.BAD_TENSOR
    assert driver.run([values.astype(np.float64)], [found]) == Status.BAD_TENSOR


def with_host(
    kind: str,
    attributes: dict[str, Attribute],
    before: tuple[int, int, int],
    after: tuple[int, int, int],
) -> QuantisedGraph:
    """A convolution whose result goes to an operator of the host."""
    host = HostFunction(
        name="host",
        inputs=("a",),
        output="y",
        kind=kind,
        attributes=attributes,
        input_shapes=((1, *before),),
        output_shape=(1, *after),
    )
    shapes = {"x": (3, *before[1:]), "a": before, "y": after}
    return network(shapes, convolution("x", "a", (before[0], 3, 1, 1)), host)


HOSTS = [with_host("softmax", {"axis": axis}, (5, 3, 4), (5, 3, 4)) for axis in (1, 2, -1)] + [
    with_host("argmax", {"axis": 1, "keepdims": True}, (5, 3, 4), (1, 3, 4)),
    with_host("argmax", {"axis": -1, "keepdims": False}, (5, 3, 4), (5, 3, 1)),
    with_host("reshape", {}, (6, 2, 2), (4, 3, 2)),
]
HOSTS += [
    with_host(
        "resize",
        {"mode": mode, "coordinates": coordinates, "rounding": rounding},
        (3, 4, 5),
        (3, rows, columns),
    )
    for mode in ("nearest", "linear")
    for coordinates in (
        *("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"),
        "half_pixel_symmetric",
    )
    for rounding in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    if mode == "nearest" or rounding == "floor"
    for rows, columns in ((8, 10), (3, 11), (1, 1))
]


def test_operators_of_the_host(library):
    """At most a unit from numpy, which sums in another order; what moves bytes is equal."""
    differing = total = 0
    for graph in HOSTS:
        driver = ready(driver_of(library, graph))
        inputs = random_inputs(graph, np.random.default_rng(0))
        wanted = run_integers(graph, inputs)["y"]
        found = np.zeros(graph.tensors["y"].graph_shape, np.int8)
        assert driver.run(list(inputs.values()), [found]) == Status.OK
        difference = np.abs(found[0].astype(int) - wanted)
        operator = graph.operators[-1]
        assert isinstance(operator, HostFunction)
        assert difference.max() <= 1, (operator.kind, operator.attributes)
        if operator.attributes.get("mode") == "nearest" or operator.kind in ("argmax", "reshape"):
            assert not difference.any(), operator.attributes
        differing, total = differing + int(np.count_nonzero(difference)), total + difference.size
    assert differing <= total / 100


def test_a_softmax_has_the_bits_of_the_reference(library):
    for seed, graph in enumerate(graph for graph in HOSTS if is_softmax(graph)):
        tensors = {**graph.tensors, "y": replace(graph.tensors["y"], dtype="float32")}
        graph = replace(graph, tensors=tensors)
        inputs = random_inputs(graph, np.random.default_rng(seed))
        wanted = model_values(graph.tensors["y"], run_integers(graph, inputs)["y"])
        found = np.zeros(wanted.shape, np.float32)
        assert ready(driver_of(library, graph)).run(list(inputs.values()), [found]) == Status.OK
        assert len(np.unique(wanted)) > 20
        assert np.array_equal(found.view(np.uint32), wanted.view(np.uint32))


def is_softmax(graph: QuantisedGraph) -> bool:
    host = graph.operators[-1]
    return isinstance(host, HostFunction) and host.kind == "softmax"


def test_the_caller_computes_what_the_driver_does_not_know(library):
    padding = (0, 0, 0, 0, 0, 0, 0, 1)
    attributes: dict[str, Attribute] = {"padding": padding, "value": 0.5, "mode": "constant"}
    graph = with_host("pad", attributes, (3, 2, 2), (3, 2, 3))
    inputs = list(random_inputs(graph, np.random.default_rng(0)).values())
    found = np.zeros((1, 3, 2, 3), np.int8)
    assert ready(driver_of(library, graph)).run(inputs, [found]) == Status.UNKNOWN_OPERATOR
    seen = []

    def compute(call: object) -> int:
        one = call.contents  # type: ignore[attr-defined]
        seen.append((one.name, one.kind, driver.attributes(call, {"padding": 8, "value": 1})))
        operand: Operand = one.inputs[0]
        one.output.array()[...] = np.pad(
            operand.array(), [(0, 0), (0, 0), (0, 0), (0, 1)], constant_values=0.5
        )
        return len(seen) - 1

    driver = ready(driver_of(library, graph, compute=compute))
    assert driver.run(inputs, [found]) == Status.OK
    middle = run_integers(graph, {"x": inputs[0]})["a"]
    assert np.array_equal(found[0][:, :, :2], middle)
    assert seen == [(b"host", b"pad", {"padding": list(padding), "value": [0.5]})]
    assert driver.run(inputs, [found]) == Status.OPERATOR_FAILED


def with_one_axis(step: HostStep) -> HostStep:
    """The step with the first axis in the place of all of them."""
    assert isinstance(step.operator, Rearranged)
    axes = (0,) * len(step.operator.axes)
    return replace(step, operator=replace(step.operator, axes=axes))


@pytest.mark.parametrize("seed", OTHER_ORDERS)
def test_an_order_that_names_an_axis_twice_is_a_status(library, seed):
    hardware = SoftwareAccelerator(program_of(random_graph(seed)), digest=DIGEST, base=BASE)
    file = program_file_of(hardware.program, digest=DIGEST)
    orders = orders_of(file)
    assert orders
    steps = tuple(with_one_axis(step) if step in orders else step for step in file.steps)
    driver = CompiledDriver(
        library,
        encode(replace(file, steps=steps)),
        hardware.seen_by_host,
        bus=BASE,
        access=hardware.access,
    )
    inputs = list(random_inputs(hardware.program.lowered.graph, np.random.default_rng(0)).values())
    names = hardware.program.lowered.graph.outputs
    outputs = [np.zeros(file.tensors[name].tensor.graph_shape, np.int8) for name in names]
    assert ready(driver).run(inputs, outputs) == Status.OPERATOR_FAILED


def test_what_is_wrong_has_a_status(library):
    graph = random_graph(3)
    hardware = SoftwareAccelerator(program_of(graph), digest=DIGEST, base=BASE)
    content = encode(program_file_of(hardware.program, digest=DIGEST))
    other = encode(program_file_of(hardware.program, digest=DIGEST + 1))

    def opened(program: bytes, *, bus: int = BASE, size: int | None = None) -> Status:
        memory = hardware.seen_by_host[:size]
        driver = CompiledDriver(library, program, memory, bus=bus, access=hardware.access)
        assert not driver.checked or driver.checked == driver.open()
        return driver.open()

    assert opened(content) == Status.OK
    assert opened(b"") == Status.NOT_A_PROGRAM
    assert opened(b"X" + content[1:]) == Status.NOT_A_PROGRAM
    assert opened(content[:100]) == opened(content[:-1]) == Status.TRUNCATED
    assert opened(content[:8] + b"\2" + content[9:]) == Status.OTHER_FORMAT
    assert opened(content[:-1] + bytes([content[-1] ^ 1])) == Status.DAMAGED
    assert opened(other) == Status.OTHER_DESIGN
    assert opened(content, size=4096) == Status.SMALL_MEMORY
    assert opened(content, bus=BASE + 1) == Status.BAD_ADDRESS
    assert opened(content, bus=0xFFFF_F000) == Status.BAD_ADDRESS
    hardware.set("versions", 1)
    assert opened(content) == Status.OTHER_REGISTERS
    hardware.set("identity", 1)
    assert opened(content) == Status.NO_ACCELERATOR


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"polls": None}, Status.TIMEOUT),
        ({"errors": 1 << Error.CHECKSUM}, Status.HARDWARE_ERROR),
    ],
)
def test_a_run_that_fails_has_a_status(library, settings, status):
    graph = random_graph(3)
    hardware = SoftwareAccelerator(program_of(graph), digest=DIGEST, base=BASE, **settings)
    content = encode(program_file_of(hardware.program, digest=DIGEST))
    memory = hardware.seen_by_host
    driver = CompiledDriver(library, content, memory, bus=BASE, access=hardware.access)
    inputs = list(random_inputs(graph, np.random.default_rng(0)).values())
    outputs = [np.zeros(graph.tensors[name].graph_shape, np.int8) for name in graph.outputs]
    assert driver.open() == Status.OK
    assert driver.run(inputs, outputs) == Status.NOT_LOADED
    assert driver.load() == Status.OK
    assert driver.run(inputs, outputs) == status
    assert driver.device.errors == settings.get("errors", 0)
    if status == Status.TIMEOUT:
        assert driver.run(inputs, outputs) == driver.load() == Status.BUSY


def test_a_small_workspace_is_no_place_for_an_operator(library):
    graph = with_host("softmax", {"axis": 1}, (5, 3, 4), (5, 3, 4))
    needed = driver_of(library, graph).needs.workspace_bytes
    assert needed == 2 * 4 * 5 * 3 * 4
    driver = driver_of(library, graph, workspace_bytes=needed - 8)
    assert driver.open() == Status.SMALL_WORKSPACE


def test_every_status_and_error_has_its_words(library):
    driver = driver_of(library, random_graph(3))
    for status, text in TEXTS.items():
        assert driver.library.naas_status_text(int(status)).decode() == text
    for bit, text in ERRORS.items():
        assert driver.library.naas_error_text(int(bit)).decode() == text
    assert driver.library.naas_error_text(31) is None
    assert set(TEXTS) == set(Status)


def arrays_of(driver: CompiledDriver, what: str) -> list[np.ndarray] | None:
    """Room for the tensors that a file speaks of; None if they are larger than any of these."""
    sizes = [one.channels * one.rows * one.columns for one in driver.tensors(what)]
    return [np.zeros(size, np.int8) for size in sizes] if sum(sizes) < 1 << 20 else None


@pytest.mark.parametrize(
    ("graph", "seen"),
    [
        (HOSTS[0], {Status.OK, Status.DAMAGED, Status.OTHER_DESIGN}),
        (random_graph(OTHER_ORDERS[1]), {Status.OK, Status.DAMAGED, Status.OPERATOR_FAILED}),
    ],
    ids=["softmax", "order"],
)
def test_damage_behind_a_right_checksum_is_a_status(library, graph, seen):
    """Every file is opened, and what can be opened is run: nothing outside is written."""
    hardware = SoftwareAccelerator(program_of(graph), digest=DIGEST, base=BASE)
    content = encode(program_file_of(hardware.program, digest=DIGEST))
    places = places_of_records(content)
    access = DeviceAccess(
        read32=lambda offset: (
            1 if offset == OFFSETS["interrupt_status"] else hardware.read32(offset)
        ),
        write32=lambda _offset, _value: None,
    )
    guarded = np.full(hardware.program.image.size + 8192, 0x77, np.uint8)
    rng = np.random.default_rng(0)
    statuses = set()
    for _ in range(1000):
        damaged = bytearray(content)
        damaged[rng.choice(places)] = int(rng.integers(256))
        damaged[12:16] = zlib.crc32(damaged[16:]).to_bytes(4, "little")
        driver = CompiledDriver(
            library,
            bytes(damaged),
            guarded[4096:-4096],
            bus=BASE,
            access=access,
            workspace_bytes=4096,
        )
        statuses.add(driver.open())
        if driver.open() == Status.OK:
            assert driver.load() == Status.OK
            inputs, outputs = (arrays_of(driver, what) for what in ("input", "output"))
            if inputs is not None and outputs is not None:
                statuses.add(driver.run(inputs, outputs))
    assert seen <= statuses
    assert set(guarded[:4096]) == set(guarded[-4096:]) == {0x77}


def test_the_example_of_the_documents_compiles(library):
    """Its addresses are of a board with 32 bits."""
    text = (Path(__file__).parents[2] / "docs" / "driver.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```c\n(.*?)```", text, re.S)
    (library.parent / "documented.c").write_text(example)
    flags = (*WARNINGS, "-Wno-int-to-pointer-cast", "-fsyntax-only")
    subprocess.run(["gcc", *flags, "documented.c"], cwd=library.parent, check=True)
