"""MAESTRO's files beside ones that were written by hand, and what it cannot say."""

import re
from math import prod
from pathlib import Path

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import EYERISS, NVDLA_256
from naas_hw.cost.random_case import random_case
from naas_hw.errors import InputError
from naas_hw.exchange.maestro import MAX_LEVELS, hardware_text, layer_block, maestro_files
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import Kind, Layer

GOLDEN = Path(__file__).parent / "golden"
ROWS = Accelerator(
    axes=(Axis(dim="R", size=3), Axis(dim="P", size=4)),
    weight_buffer_bytes=256,
    input_buffer_bytes=128,
    accumulator_words=64,
    bank_bytes=4096,
    beat_bytes=4,
)
CONV = Layer(name="conv-1.a", K=8, C=8, P=8, Q=8, R=3, S=3, height=10, width=17, stride=(1, 2))
CONV_MAPPING = Mapping(
    dram_order=("C", "K", "P", "Q", "R", "S"),
    l2_order=("Q", "K", "C", "P", "R", "S"),
    l2=Bounds(Q=4),
    pe=Bounds(K=8, C=4, P=2, Q=2, S=3),
    spatial=Bounds(R=3, P=4),
)
CHANNELS = ROWS.model_copy(update={"axes": (Axis(dim="K", size=4),), "bank_bytes": 8192})
DEPTHWISE = Layer(
    name="depthwise",
    kind=Kind.DEPTHWISE,
    K=32,
    P=4,
    Q=4,
    R=3,
    S=3,
    height=8,
    width=8,
    stride=(2, 2),
    padding=(1, 1),
)
DEPTHWISE_MAPPING = Mapping(l2=Bounds(K=4, P=2, Q=4), pe=Bounds(P=2, R=3, S=3), spatial=Bounds(K=4))


def text(accelerator: Accelerator, layer: Layer, mapping: Mapping, network: str = "net") -> str:
    assert violations(accelerator, layer, mapping) == []
    return maestro_files(accelerator, [layer], {layer.name: mapping}, network=network)["mapping.m"]


def test_rows_of_the_kernel_on_an_axis_and_a_stride_beside_it():
    """C (tiles) and Q (steps) are the loops outside; P 4 x 2 rows, and R with its rows of input."""
    found = text(ROWS, CONV, CONV_MAPPING, "net 1")
    assert found == (GOLDEN / "row_stationary.m").read_text(encoding="utf-8")


def test_depthwise_with_loops_of_a_dim_at_two_levels():
    found = text(CHANNELS, DEPTHWISE, DEPTHWISE_MAPPING)
    assert found == (GOLDEN / "depthwise.m").read_text(encoding="utf-8")


def test_hardware():
    """NVDLA-256: 64 + 256 bytes and 512 sums in a PE, 16 + 16 lanes, 16 bytes a cycle."""
    assert hardware_text(NVDLA_256.accelerator) == (
        "num_pes: 256\nl1_size_cstr: 832\nl2_size_cstr: 131072\nnoc_bw_cstr: 32\n"
        "offchip_bw_cstr: 16\n"
    )
    slow = NVDLA_256.accelerator.model_copy(update={"dram_beat_period_cycles": 3})
    with pytest.raises(InputError, match="dram_beat_period_cycles must divide the 16 bytes .* 3:"):
        hardware_text(slow)


@pytest.mark.parametrize(
    ("layer", "mapping", "sentence"),
    [
        ({"groups": 2}, {}, "layer conv-1.a: groups must be 1 for MAESTRO, not 2"),
        ({"dilation": (2, 1)}, {}, r"layer conv-1.a: dilation must be \(1, 1\) for MAESTRO"),
        (
            {"stride": (2, 2)},
            {},
            "stride along P must be 1 for MAESTRO where R lies on an axis, not 2",
        ),
        (
            {},
            {"pe": CONV_MAPPING.pe.model_copy(update={"S": 1})},
            "layer conv-1.a: S must be whole in a step for MAESTRO, not in 3 parts",
        ),
    ],
)
def test_what_maestro_cannot_say_is_refused_by_name(layer, mapping, sentence):
    geometry = Geometry(
        accelerator=ROWS,
        layer=CONV.model_copy(update=layer),
        mapping=CONV_MAPPING.model_copy(update=mapping),
    )
    with pytest.raises(InputError, match=sentence):
        layer_block(geometry)


def test_more_levels_than_maestro_has_are_refused():
    """Three axes, none of which is used in full with more than one step, and K at two levels."""
    axes = tuple(Axis(dim=dim, size=4) for dim in "PQR")
    accelerator = ROWS.model_copy(update={"axes": axes, "bank_bytes": 16384})
    layer = CONV.model_copy(update={"stride": (1, 1)})
    mapping = Mapping(
        l2=Bounds(K=4, C=8, P=2, Q=2),
        pe=Bounds(S=3),
        spatial=Bounds(P=3, Q=3, R=3),
    )
    assert violations(accelerator, layer, mapping) == []
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    with pytest.raises(InputError, match="at most 4 levels for MAESTRO, .* together, not 5"):
        layer_block(geometry)


def test_all_refused_layers_are_named_with_their_reasons():
    """In one sentence, those of the same reason together; what can be said is not in it."""
    whole = {"l2": Bounds(Q=4), "pe": CONV_MAPPING.pe}
    parts = {"l2": Bounds(Q=4, S=3), "pe": CONV_MAPPING.pe.model_copy(update={"S": 1})}
    cases = {
        "first": ({"groups": 2}, whole),
        "fine": ({}, whole),
        "second": ({"dilation": (2, 1)}, whole),
        "third": ({"groups": 2}, whole),
        "fourth": ({}, parts),
        "fifth": ({"groups": 2}, parts),
    }
    layers = [CONV.model_copy(update={**layer, "name": name}) for name, (layer, _) in cases.items()]
    mappings = {name: CONV_MAPPING.model_copy(update=found) for name, (_, found) in cases.items()}
    with pytest.raises(InputError) as caught:
        maestro_files(ROWS, layers, mappings)
    assert str(caught.value) == (
        "layers first, third and fifth: groups must be 1 for MAESTRO, not 2; "
        "layer second: dilation must be (1, 1) for MAESTRO, not (2, 1); "
        "layer fourth: S must be whole in a step for MAESTRO, not in 3 parts"
    )


def cluster_sizes(block: str) -> list[int]:
    return [int(size) for size in re.findall(r"Cluster\((\d+), P\)", block)]


def test_random_designs_keep_maestros_own_rules():
    """One spatial map a level, or two with the input's beside the kernel's; the units of the top
    are an axis; maps of R and S in time are whole; maps of a dim never grow inwards."""
    rng = np.random.default_rng(3)
    told = 0
    for _ in range(60):
        case = random_case(rng)
        try:
            block = layer_block(case.geometry)
        except InputError:
            continue
        told += 1
        below = prod(cluster_sizes(block))
        units = {axis.size for axis in case.accelerator.axes} | {1}
        assert case.accelerator.num_pes % below == 0
        assert case.accelerator.num_pes // below in units
        assert len(cluster_sizes(block)) < MAX_LEVELS
        covered: dict[str, int] = {}
        for level in block.partition("Dataflow")[2].split("Cluster"):
            spatial = re.findall(r"SpatialMap\(\d+, \d+\) (\w)", level)
            assert len(spatial) == 1 or sorted(spatial) in (["R", "Y"], ["S", "X"])
            for kind, size, dim in re.findall(r"(\w+)Map\((\d+), \d+\) (\w)", level):
                assert int(size) <= covered.get(dim, int(size))
                covered[dim] = int(size)
                if kind == "Temporal" and dim in "RS":
                    assert int(size) == case.layer.bounds[dim]
    assert told > 12


def test_steps_of_the_maps_are_the_steps_of_the_mapping():
    """On the Eyeriss preset: trips by MAESTRO's rule, level by level, are those of our loops."""
    accelerator = EYERISS.accelerator
    layer = Layer(name="layer", K=16, C=8, P=28, Q=20, R=3, S=3, height=30, width=22)
    mapping = Mapping(
        l2=Bounds(K=2, C=8, Q=5),
        pe=Bounds(K=8, S=3, Q=2),
        spatial=Bounds(R=3, P=14),
    )
    assert violations(accelerator, layer, mapping) == []
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    lines = re.findall(r"Map\((\d+), (\d+)\) (\w)", layer_block(geometry).split("Cluster")[0])
    sizes = {"K": 16, "C": 8, "Y": 30, "X": 22, "R": 3, "S": 3}
    trips = prod(-(-(sizes[dim] - int(size)) // int(offset)) + 1 for size, offset, dim in lines)
    assert layer_block(geometry).count("Cluster(") == 2  # Q at both levels; P with the steps; R
    assert trips == geometry.num_dram_tiles == 2 * 2  # of P and Q
