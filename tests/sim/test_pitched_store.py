"""Outputs on every other row and column of an image: the same cycles, and nothing in between."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from stored_cases import CaseList, read_case_list

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.descriptor import Pitches, TensorAddresses, ZeroPoints, descriptor_values
from naas_hw.compiler.images import pack_activations, unpack_activations
from naas_hw.compiler.program import PAGE_BYTES, LayerTask, Program, build_program
from naas_hw.mapping.geometry import Geometry
from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import counts_of, predict_layer
from naas_hw.sim.registers import list_writes
from naas_hw.sim.run import BenchResult, Start, run_starts
from naas_hw.sim.simulators import find_simulator
from naas_hw.workload.arithmetic.golden import reference_output
from naas_hw.workload.arithmetic.quantise import random_quantised_layer

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

FOLDER = Path(__file__).parents[1] / "cases"
STEPS = (2, 3)
"""From row to row, and from column to column."""

BANKS_OF_A_RESIDUAL = 4
FILL = 0x5A
"""What memory holds where nothing is written."""


@cache
def cases_of(name: str) -> CaseList:
    return read_case_list(FOLDER / f"{name}.yaml")


@cache
def hardware_of(name: str) -> Hardware:
    return generate(with_options(cases_of(name).accelerator))


def with_options(accelerator: Accelerator) -> Accelerator:
    """The same with pitched stores and residuals, and banks for these."""
    banks = accelerator.num_banks + BANKS_OF_A_RESIDUAL
    update = {"pitched_store": True, "residual": True, "num_banks": banks}
    return accelerator.model_copy(update=update)


def spread(values: NDArray[np.int8]) -> NDArray[np.int8]:
    """Values [K, P, Q] where they belong in an image that holds FILL elsewhere."""
    image = np.full(
        (values.shape[0], STEPS[0] * values.shape[1], STEPS[1] * values.shape[2]), FILL, np.int8
    )
    image[:, :: STEPS[0], :: STEPS[1]] = values
    return image


def image_beats(geometry: Geometry) -> int:
    """Beats of the image of which the layer writes a part."""
    layer = geometry.layer
    return geometry.blocks(layer.K) * layer.P * layer.Q * STEPS[0] * STEPS[1]


def moved_descriptor(
    accelerator: Accelerator, task: LayerTask, program: Program, first: int, *, identity: int
) -> bytes:
    """The descriptor of the same layer, with outputs in an image from byte `first` on.

    The image of a residual stands behind it.
    """
    geometry = Geometry(accelerator=accelerator, layer=task.layer, mapping=task.mapping)
    beats = {name: at // accelerator.beat_bytes for name, (at, _) in program.regions[0].items()}
    row = STEPS[0] * STEPS[1] * task.layer.Q
    placement = TensorAddresses(
        weights=beats["weights"],
        scales=beats["scales"],
        inputs=beats["inputs"],
        outputs=first // accelerator.beat_bytes,
        sums=0,
        residual=first // accelerator.beat_bytes + image_beats(geometry),
        output_pitches=Pitches(block=task.layer.P * row, row=row, pixel=STEPS[1]),
    )
    zero_points = ZeroPoints(
        inputs=task.tensors.input_zero_point,
        outputs=task.tensors.output_zero_point,
        clamp_min=task.tensors.clamp_min,
        clamp_max=task.tensors.clamp_max,
    )
    residual = task.tensors.residual
    values = descriptor_values(
        geometry,
        placement,
        zero_points,
        identity=identity,
        addition=None if residual is None else residual.addition,
    )
    return program.layout.pack(values)


def simulate(hardware: Hardware, task: LayerTask) -> tuple[BenchResult, NDArray[np.int8]]:
    """Run a layer into an image of its own; what the image holds then, [K, rows, columns]."""
    accelerator, layer = hardware.accelerator, task.layer
    program = build_program(accelerator, [task], identity=hardware.identity)
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=task.mapping)
    first, size = program.image.size, image_beats(geometry) * accelerator.beat_bytes
    image = np.full(first + -(-2 * size // PAGE_BYTES) * PAGE_BYTES, FILL, np.uint8)
    image[:first] = program.image
    if task.tensors.residual is not None:
        added = pack_activations(spread(task.tensors.residual.values), accelerator.beat_bytes)
        image[first + size : first + 2 * size] = added
    descriptor = moved_descriptor(accelerator, task, program, first, identity=hardware.identity)
    image[: len(descriptor)] = np.frombuffer(descriptor, np.uint8)
    writes = list_writes(descriptors=0, num_descriptors=1, writable=(first, image.size))
    (result,) = run_starts(
        hardware.build(),
        simulator=find_simulator("icarus"),
        starts=[Start(writes=tuple(writes), writable=(first, image.size))],
        dram_image=image,
        latency=accelerator.dram_latency_cycles,
        period=accelerator.dram_beat_period_cycles,
        cycle_limit=100_000,
    )
    shape = (layer.K, STEPS[0] * layer.P, STEPS[1] * layer.Q)
    return result, unpack_activations(
        result.dram[first : first + size], shape, accelerator.beat_bytes
    )


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("c2_beat4", 1),
        pytest.param("c8_k8", 0, marks=pytest.mark.slow),
        pytest.param("c8_k8", 2, marks=pytest.mark.slow),
        pytest.param("k3_beat32", 1, marks=pytest.mark.slow),
    ],
)
def test_pixels_apart_take_no_longer_than_side_by_side(
    name: str, index: int, residual: bool
) -> None:
    """Each is a burst of its own; outputs stand where they belong and nothing is written beside.

    A residual lies as the outputs do.
    """
    case = cases_of(name).case(index)
    hardware = replace(
        hardware_of(name),
        accelerator=with_options(case.accelerator),
    )
    layer = case.layer.model_copy(update={"output_stride": STEPS, "residual": residual})
    tensors = random_quantised_layer(layer, layer_generator(0, hardware.accelerator, layer))
    task = LayerTask(layer=layer, mapping=case.mapping, tensors=tensors)
    result, found = simulate(hardware, task)
    assert result.status == "done"
    assert result.counters["protocol_errors"] == result.counters["writes_outside"] == 0
    np.testing.assert_array_equal(found, spread(reference_output(layer, tensors)))
    prediction = predict_layer(hardware.accelerator, layer, case.mapping)
    assert result.cycles == prediction.cycles
    beats = counts_of(result)["dram_write_beats"]
    assert beats == prediction.counts["dram_write_beats"] == result.counters["dram_write_bursts"]
