"""MAESTRO's files beside ones that were written by hand, and what it cannot say."""

import re
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_cases import plain_case

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import EYERISS, NVDLA_256
from naas_hw.core.errors import InputError
from naas_hw.exchange.maestro import hardware_text, layer_block, maestro_files, refusal
from naas_hw.exchange.maestro_levels import MAX_LEVELS
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.case import Case
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
CHANNELS = ROWS.model_copy(
    update={"axes": (Axis(dim="K", size=4), Axis(dim="C", size=2)), "bank_bytes": 8192}
)
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
DEPTHWISE_MAPPING = Mapping(l2=Bounds(K=8, P=2, Q=4), pe=Bounds(P=2, R=3, S=3), spatial=Bounds(K=4))


def text(accelerator: Accelerator, layer: Layer, mapping: Mapping, network: str = "net") -> str:
    assert violations(accelerator, layer, mapping) == []
    return maestro_files(accelerator, [layer], {layer.name: mapping}, network=network)["mapping.m"]


def test_rows_of_the_kernel_on_an_axis_and_a_stride_beside_it():
    """C (tiles) and Q (steps) are the loops outside; P 4 x 2 rows, and R with its rows of input.

    Q is strided: its two columns in a PE are told one at a time, as trips of the loop outside.
    """
    found = text(ROWS, CONV, CONV_MAPPING, "net 1")
    assert found == (GOLDEN / "row_stationary.m").read_text(encoding="utf-8")


def test_depthwise_has_no_map_of_the_other_channel_even_on_its_axis():
    """Nobody has channels for the units of C: one of them gets what there is."""
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
        ({"residual": True}, {}, "layer conv-1.a: residual must be false for MAESTRO, which adds"),
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
    cases: dict[str, tuple[dict[str, Any], dict[str, Bounds]]] = {
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


def counted(block: str, num_pes: int) -> int | None:
    """Products as MAESTRO counts them from the first level; None if a directive lacks its dim.

    Each dim on its own: maps of the input hold one output less than rows beyond the kernel,
    whatever the stride, and the last map what is left. The last pass of a spatial map is counted
    right if it is the only one, if no unit has a part of a share in it, or (without a window) if
    one unit has all of it.
    """
    sizes = {d: int(n) for d, n in re.findall(r"(\w): (\d+)", block.partition("Dataflow")[0])}
    kinds = re.findall(r"(\w+)Map\((\d+), (\d+)\) (\w)", block)
    if "Type: DSCONV" in block:
        del sizes["K"]
    if any(entry[3] not in sizes for entry in kinds):
        return None
    units = num_pes // prod(cluster_sizes(block))
    maps = re.findall(r"(\w+)Map\((\d+), (\d+)\) (\w)", block.partition("Cluster")[0])
    strides = dict(re.findall(r"(\w): (\d+)", block.partition("Stride")[2].partition("}")[0]))
    total = 1
    for kind, size, offset, dim in maps:
        kernel, stride = sizes.get({"Y": "R", "X": "S"}.get(dim, ""), 1), int(strides.get(dim, 1))
        outputs = (sizes[dim] - kernel) // stride + 1
        held, moved = int(size) - kernel + 1, int(offset) // stride
        if kind == "Spatial" and not _last_pass_counts(outputs, moved, units, kernel > 1):
            return -1  # some other number
        trips = (outputs - min(held, outputs)) // moved
        left = max(0, outputs - trips * moved - held)
        total *= (trips + 1) * held + left
    return total


def _last_pass_counts(outputs: int, share: int, units: int, has_window: bool) -> bool:
    rest = outputs % (share * units)
    if outputs <= share * units or rest == 0 or units == 1:
        return True
    return rest > share and rest % share == 0 if has_window else rest % share == 0 or rest < share


@pytest.mark.parametrize(
    ("name", "num_pes", "macs"),
    [("row_stationary", 12, CONV.num_macs), ("depthwise", 8, DEPTHWISE.num_macs)],
)
def test_golden_files_are_counted_right(name, num_pes, macs):
    """MAESTRO 4eb08d1 itself printed these numbers: 36,864 and 4,608."""
    assert counted((GOLDEN / f"{name}.m").read_text(encoding="utf-8"), num_pes) == macs


@pytest.fixture(scope="module")
def drawn() -> list[Case]:
    rng = np.random.default_rng(3)
    cases = [plain_case(rng) for _ in range(80)]
    return [
        replace(case, layer=case.layer.model_copy(update={"groups": 1, "dilation": (1, 1)}))
        for case in cases
    ]


def test_random_designs_are_counted_right(drawn):
    """All kinds, strides among them: what is not refused, MAESTRO counts right."""
    kinds = set()
    for case in drawn:
        if refusal(case.geometry) is None:
            block = layer_block(case.geometry)
            assert counted(block, case.accelerator.num_pes) == case.layer.num_macs, block
            kinds.add((case.layer.kind, case.layer.stride != (1, 1)))
    assert len(kinds) == 5  # linear layers have no stride


STRIDED = CONV.model_copy(update={"stride": (2, 2), "P": 6, "Q": 6, "height": 13, "width": 13})


def refused_stride(
    l2: Bounds, axes: tuple[Axis, ...], order: str = "KCPQRS", **spatial: int
) -> str | None:
    accelerator = ROWS.model_copy(update={"axes": axes, "bank_bytes": 1 << 16})
    mapping = Mapping(
        l2_order=tuple(order), l2=l2, pe=Bounds(P=2, R=3, S=3), spatial=Bounds(**spatial)
    )
    geometry = Geometry(accelerator=accelerator, layer=STRIDED, mapping=mapping)
    found = refusal(geometry)
    if found is None:
        assert counted(layer_block(geometry), accelerator.num_pes) == STRIDED.num_macs
    return found


def test_strided_rows_are_told_one_by_one_where_no_loop_lies_between():
    rows = (Axis(dim="P", size=3),)
    assert refused_stride(Bounds(K=8, C=8, Q=6), rows, P=3) is None
    alone = (Axis(dim="K", size=1),)
    assert refused_stride(Bounds(K=8, C=8, P=3, Q=6), alone) is None
    assert refused_stride(Bounds(K=8, C=8, P=3, Q=6), alone, "KPQCRS") == (
        "stride along P must be 1 for MAESTRO where its first level moves 2 outputs at a time, not "
        "2"
    )  # C lies between the steps of P and the rows in a PE
    between = Axis(dim="P", size=4)
    assert "moves 2 outputs at a time" in str(
        refused_stride(Bounds(K=8, C=8, Q=6), (between,), P=3)
    )


def test_a_stride_of_a_kernel_of_one_is_told_as_the_pixels_that_it_reads():
    """1x1 with stride 2 on 4 x 4: 16 products, where MAESTRO counts 44 or 121 with the stride."""
    layer = Layer(name="l", K=1, C=1, P=4, Q=4, height=7, width=7, stride=(2, 2))
    accelerator = ROWS.model_copy(update={"axes": (Axis(dim="K", size=1),)})
    for pe in (Bounds(Q=4), Bounds(P=4, Q=4)):
        mapping = Mapping(l2=Bounds(P=4 // pe.P), pe=pe)
        block = layer_block(Geometry(accelerator=accelerator, layer=layer, mapping=mapping))
        assert "Stride { X: 1, Y: 1 }" in block and "Y: 4, X: 4 }" in block
        assert counted(block, 1) == 16


def test_an_axis_whose_last_pass_is_miscounted_is_a_level_of_its_own():
    """K of 32 in passes of 5 x 5: MAESTRO takes the last pass of 5 and 2 for two units of 1."""
    accelerator = ROWS.model_copy(update={"axes": (Axis(dim="K", size=5),), "bank_bytes": 8192})
    layer = Layer(name="l", kind=Kind.LINEAR, K=32, C=3, height=1, width=1)
    mapping = Mapping(l2=Bounds(K=2), pe=Bounds(K=5, C=3), spatial=Bounds(K=5))
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    block = layer_block(geometry)
    assert cluster_sizes(block) == [5]
    assert counted(block, 5) == 96
    assert counted(block.replace("SpatialMap(25, 25)", "SpatialMap(5, 5)"), 25) != 96


def test_random_designs_keep_maestros_own_rules(drawn):
    """A block has the form that MAESTRO demands.

    There is one spatial map a level, or two with the input's beside the kernel's; the units of the
    top are an axis; maps of R and S in time are whole; maps of a dim never grow inwards.
    """
    told = 0
    for case in drawn:
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
