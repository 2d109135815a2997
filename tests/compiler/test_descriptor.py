"""What is legal fits the descriptor's fields, at the ends of all ranges too."""

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.cli.schema import schema_text
from naas_hw.compiler.descriptor import TensorAddresses, ZeroPoints, descriptor_values
from naas_hw.compiler.fields import COUNTS
from naas_hw.compiler.layout import layout_of
from naas_hw.compiler.program import WINDOW_BYTES
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.mapping.legality import MAX_FIELD, MAX_WINDOW, violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.random_case import draw_cases
from naas_hw.workload.layer import DIMS, Kind, Layer

ZEROS = ZeroPoints(inputs=-128, outputs=127, clamp_min=-128, clamp_max=127)
PLACES = TensorAddresses(weights=0, scales=0, inputs=0, outputs=0, sums=0)
SIZES = (1, 2, 3, 16, 255, 4095, 4096, 65535)


def values_of(accelerator, layer, mapping, placement=PLACES):
    """Fields of the descriptor."""
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    return descriptor_values(geometry, placement, ZEROS, identity=0)


def accelerator_of(rng) -> Accelerator:
    """Few or many positions along any dims, buffers at their smallest and largest."""
    dims = rng.permutation(list(DIMS))[: rng.integers(1, 4)]
    beat = int(rng.choice([4, 16, 32]))
    num_banks = int(rng.choice([3, 8, 32]))
    most = min(4 << 20, (1 << 20) // num_banks * beat)
    return Accelerator(
        name="ends",
        axes=tuple(Axis(dim=str(dim), size=int(rng.choice([1, 2, 4, 16]))) for dim in dims),
        weight_buffer_bytes=65536,
        input_buffer_bytes=65536,
        accumulator_words=65536,
        num_banks=num_banks,
        bank_bytes=int(rng.choice([64 * beat, most // beat * beat])),
        scale_depth=8192,
        beat_bytes=beat,
        drain_lanes=beat // int(rng.choice([1, 2, 4])),
    )


def layer_of(rng) -> Layer | None:
    """Each size at one of the ends of its range or between; None where they do not go together."""
    K, C, P, Q, R, S, height, width, *apart = (int(size) for size in rng.choice(SIZES, 12))
    kind = rng.choice([Kind.CONV, Kind.DEPTHWISE])
    try:
        return Layer(
            name="ends",
            kind=kind,
            K=K,
            C=1 if kind is Kind.DEPTHWISE else C,
            P=P,
            Q=Q,
            R=R,
            S=S,
            height=height,
            width=width,
            stride=(apart[0], apart[1]),
            dilation=(apart[2], apart[3]),
            padding=(int(rng.choice([0, 255])), int(rng.choice([0, 255]))),
        )
    except ValueError:
        return None


def mapping_of(accelerator, layer, rng) -> Mapping:
    """A little or much in a PE and in a tile, whole where the rest is small."""
    spatial = {d: min(accelerator.size_of(d), layer.bounds[d]) for d in DIMS}
    pe, l2 = {}, {}
    for dim in DIMS:
        rest = ceil_div(layer.bounds[dim], spatial[dim])
        pe[dim] = int(min(rest, rng.choice([1, 1, 2, 16])))
        l2[dim] = int(min(ceil_div(rest, pe[dim]), rng.choice([1, 8, 255, 65535])))
    return Mapping(
        dram_order=tuple(str(d) for d in rng.permutation(list(DIMS))),
        l2_order=tuple(str(d) for d in rng.permutation(list(DIMS))),
        l2=Bounds(**l2),
        pe=Bounds(**pe),
        spatial=Bounds(**spatial),
    )


def num_beats(accelerator, layer) -> int:
    """Of the tensors of activations, sums included."""
    beat = accelerator.beat_bytes
    inputs = ceil_div(layer.input_channels, beat) * layer.height * layer.width
    return inputs + 5 * ceil_div(layer.K, beat) * layer.P * layer.Q


@pytest.mark.takes_seconds
def test_what_is_legal_fits_its_fields_at_the_ends_of_all_ranges():
    """Wherever the tensors themselves have room in the window of memory."""
    rng = np.random.default_rng(20)
    num_legal = num_dense = 0
    while num_legal < 400:
        layer = layer_of(rng)
        if layer is None:
            continue
        accelerator = accelerator_of(rng)
        window = WINDOW_BYTES // accelerator.beat_bytes
        if num_beats(accelerator, layer) > window:
            continue
        mapping = mapping_of(accelerator, layer, rng)
        geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
        weights = np.prod([int(n) for n in geometry.num_tiles.values()]) * (
            geometry.weight_tile_words
        )
        if violations(accelerator, layer, mapping) or weights > window:
            continue
        num_legal += 1
        num_dense += geometry.is_dense_pointwise
        last = window - 1
        placement = TensorAddresses(weights=0, scales=last, inputs=last, outputs=last, sums=last)
        layout_of(accelerator).pack(values_of(accelerator, layer, mapping, placement))
    assert num_dense >= 10


@pytest.mark.takes_seconds
@pytest.mark.parametrize("max_cycles", [20_000, 200_000])
def test_no_count_of_a_legal_layer_is_zero(max_cycles):
    """Else hardware would refuse it."""
    for case in draw_cases(40, 5, max_cycles=max_cycles).cases:
        found = values_of(case.case.accelerator, case.case.layer, case.case.mapping)
        for name in COUNTS:
            assert np.all(np.array(found[name]) >= 1), name


def test_the_schema_states_the_widths_that_make_a_mapping_illegal():
    """What `legality` reads, in the words of `naas schema mapping`."""
    text = " ".join(schema_text("mapping").replace("\\n", " ").split())
    assert f"at most {MAX_FIELD} indices of a dim" in text
    assert f"and {MAX_WINDOW} rows and columns of input" in text


@pytest.mark.parametrize("used", [1, 2, 3, 5, 16])
def test_lanes_of_weights_are_those_that_a_layer_uses(used):
    """A power of two of them, at most as many as the network has."""
    values = values_of(
        wide_accelerator(),
        Layer(name="k", K=used, height=1, width=1),
        Mapping(spatial=Bounds(K=used)),
    )
    lanes = 1 << values["weight_lanes_log2"]
    assert lanes // 2 < used <= lanes <= 16
    assert values["beat_lanes_log2"] == 4


@pytest.mark.parametrize(("channels", "lanes"), [(1, 1), (6, 2), (12, 4), (16, 16), (48, 16)])
def test_lanes_of_a_beat_divide_the_channels_of_a_pe(channels, lanes):
    """Where no axis is parallel in K; with one, all its adjacent positions are a beat."""
    accelerator = wide_accelerator("P")
    layer = Layer(name="p", K=channels, height=1, width=1)
    values = values_of(accelerator, layer, Mapping(pe=Bounds(K=channels)))
    assert 1 << values["beat_lanes_log2"] == lanes
    assert values["beat_bound"][4] == channels // lanes


def wide_accelerator(dim="K"):
    """A drain of sixteen lanes."""
    return Accelerator(
        name="wide",
        axes=(Axis(dim=dim, size=16 if dim == "K" else 2),),
        weight_buffer_bytes=128,
        input_buffer_bytes=64,
        accumulator_words=128,
        num_banks=8,
        bank_bytes=1024,
        scale_depth=64,
        beat_bytes=16,
        drain_lanes=16,
    )


def test_a_single_row_has_no_pitch_and_no_sums_no_place():
    """The widest row with the longest stride; an output tile that ends where the buffer ends."""
    one = Accelerator(
        name="k4",
        axes=(Axis(dim="K", size=4),),
        weight_buffer_bytes=64,
        input_buffer_bytes=64,
        accumulator_words=64,
        num_banks=8,
        bank_bytes=(1 << 20) // 8 * 4,
        scale_depth=512,
        beat_bytes=4,
    )
    row = Layer(name="row", K=1, height=1, width=65535, stride=(65535, 1))
    square = Layer(name="square", K=192, P=128, Q=128, height=128, width=128)
    whole = Mapping(l2=Bounds(K=48, P=128, Q=128), spatial=Bounds(K=4))
    for layer, mapping in ((row, Mapping()), (square, whole)):
        assert violations(one, layer, mapping) == []
        layout_of(one).pack(values_of(one, layer, mapping))
