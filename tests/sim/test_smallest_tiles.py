"""Layers in the smallest tiles, whose pieces follow each other as fast as each engine can."""

import secrets

import numpy as np
import pytest
from pydantic import ValidationError

import naas_hw
from naas_hw.api import Design
from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.cost.reference.recurrence import timeline_of
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import DIMS, Layer
from naas_hw.workload.network import Network

NUM_LAYERS = 40
LARGEST_DIM = 4
NARROW = Accelerator(
    name="narrow",
    axes=(Axis(dim="C", size=5), Axis(dim="K", size=4), Axis(dim="P", size=2)),
    weight_buffer_bytes=130,
    input_buffer_bytes=94,
    accumulator_words=64,
    num_banks=24,
    bank_bytes=1936,
    scale_depth=512,
    beat_bytes=4,
    drain_lanes=1,
    dram_latency_cycles=200,
    dram_beat_period_cycles=1,
    weight_lanes=1,
    input_lanes=2,
)
OPTIONS = ("residual", "table", "maximum", "pitched_store", "single_rounding")
ACCELERATORS = {
    "narrow": NARROW,
    "all options": NARROW.model_copy(update={"drain_lanes": 4, **dict.fromkeys(OPTIONS, True)}),
    "beats of 8 bytes": NARROW.model_copy(
        update={"beat_bytes": 8, "drain_lanes": 8, "weight_lanes": 4, "input_lanes": 4}
    ),
}


def random_layer(name: str, rng: np.random.Generator) -> Layer:
    """A layer with at most four in each dim, and kernels of at most two rows and columns."""
    sizes = {dim: int(rng.integers(1, LARGEST_DIM + 1)) for dim in DIMS}
    sizes |= {dim: int(rng.integers(1, 3)) for dim in ("R", "S")}
    kind = "depthwise" if rng.random() < 0.4 else "conv"
    if kind == "depthwise":
        sizes["C"] = 1
    height, width = sizes["P"] + sizes["R"] - 1, sizes["Q"] + sizes["S"] - 1
    return Layer.model_validate(
        {"name": name, "kind": kind, "height": height, "width": width, **sizes}
    )


def random_mapping(layer: Layer, rng: np.random.Generator) -> Mapping:
    """Random orders; one position of each dim in a tile, or the whole kernel."""
    one = Bounds(**dict.fromkeys(DIMS, 1))
    kernel = {dim: layer.bounds[dim] for dim in ("R", "S") if rng.random() < 0.5}
    orders = [tuple(str(dim) for dim in rng.permutation(list(DIMS))) for _ in range(3)]
    return Mapping(
        dram_order=orders[0],
        l2_order=orders[1],
        pe_order=orders[2],
        l2=one,
        pe=one.model_copy(update=kernel),
        spatial=one,
    )


def draw(accelerator: Accelerator, rng: np.random.Generator) -> Design:
    """As many layers with a mapping as a test simulates."""
    mappings: dict[str, Mapping] = {}
    layers: list[Layer] = []
    while len(layers) < NUM_LAYERS:
        try:
            layer = random_layer(f"layer{len(layers)}", rng)
        except ValidationError:
            continue
        mapping = random_mapping(layer, rng)
        if not violations(accelerator, layer, mapping):
            layers.append(layer)
            mappings[layer.name] = mapping
    network = Network(name="smallest_tiles", layers=tuple(layers))
    return Design(accelerator=accelerator, network=network, mappings=mappings)


def ends_at_pace(accelerator: Accelerator, layer: Layer, mapping: Mapping) -> bool:
    """Whether drain leaves the last two outputs as fast as its loop nest steps."""
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    ends = timeline_of(geometry).drain_end[-2:]
    return len(ends) == 2 and int(ends[1] - ends[0]) == timing.STEP_PACE


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("verilator")
@pytest.mark.parametrize("name", ACCELERATORS)
def test_layers_in_the_smallest_tiles_are_exact(name: str) -> None:
    """In cycles, counts and bytes, among them layers whose last tiles drain at its pace."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    accelerator = ACCELERATORS[name]
    design = draw(accelerator, np.random.default_rng(seed))
    assert any(
        ends_at_pace(accelerator, layer, design.mappings[layer.name])
        for layer in design.network.layers
    )
    settings = naas_hw.SimulationSettings(simulator="verilator")
    report = naas_hw.simulate(design, settings, num_processes=1)
    wrong = {layer.name for layer in report.layers if not layer.ok}
    assert len(report.layers) == NUM_LAYERS
    assert [
        (layer, design.mappings[layer.name])
        for layer in design.network.layers
        if layer.name in wrong
    ] == []
