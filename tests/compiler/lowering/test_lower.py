"""What operators become: which are one layer, which vanish, where channels lie."""

from dataclasses import replace

import numpy as np
import pytest
from integer_networks import ADDITION, convolution, network

from naas_hw.compiler.descriptor import Pitches
from naas_hw.compiler.lowering.execution import run_lowered
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.lowering.network import network_of
from naas_hw.compiler.lowering.values import HostCall, LayerCall, LoweredNetwork
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.quantised import (
    Concatenation,
    Convolution,
    Crop,
    HostFunction,
    Lookup,
    MaximumPool,
    Padded,
    QuantisedGraph,
    Rearranged,
    Sum,
    TransposedConvolution,
    Upsampling,
)
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.workload.arithmetic.epilogue import TablePlace
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.option import Option

ENTRIES = np.arange(256, dtype=np.uint8)[::-1].copy().view(np.int8)


def lowered_and_right(graph: QuantisedGraph, beat_bytes: int = 4) -> LoweredNetwork:
    """The lowered network, after it gave the bytes of the network."""
    lowered = lower(graph, beat_bytes=beat_bytes)
    rng = np.random.default_rng(1)
    inputs = random_inputs(graph, rng)
    wanted = run_integers(graph, inputs)
    results = run_lowered(lowered, inputs, rng=rng)
    for name in graph.outputs:
        assert np.array_equal(results[name], wanted[name])
    return lowered


def layers(lowered: LoweredNetwork) -> list[Layer]:
    return [call.layer for call in lowered.layer_calls]


def test_convolution_addition_and_table_are_one_layer():
    image = (6, 5, 5)
    lowered = lowered_and_right(
        network(
            dict.fromkeys("xcsy", image),
            convolution("x", "c", (6, 6, 1, 1)),
            Sum(name="sum", inputs=("x", "c"), output="s", addition=ADDITION),
            Lookup(name="table", inputs=("s",), output="y", entries=ENTRIES),
        )
    )
    (call,) = lowered.layer_calls
    assert (call.layer.residual, call.layer.table) == (True, True)
    assert call.table is not None and call.table.place is TablePlace.AFTER_RESIDUAL
    assert call.addition is not None
    assert call.addition.main_multiplier == ADDITION.multiplier
    assert call.residual is not None and call.residual.buffer == "x"
    assert call.sources == ("conv_c", "sum", "table")
    assert set(lowered.tensors) == {"x", "y"}


def test_a_table_before_an_addition_stands_before_it():
    lowered = lowered_and_right(
        network(
            dict.fromkeys("xcty", (6, 5, 5)),
            convolution("x", "c", (6, 6, 1, 1)),
            Lookup(name="table", inputs=("c",), output="t", entries=ENTRIES),
            Sum(name="sum", inputs=("t", "x"), output="y", addition=ADDITION),
        )
    )
    (call,) = lowered.layer_calls
    assert call.table is not None and call.table.place is TablePlace.BEFORE_RESIDUAL


def test_a_tensor_with_another_reader_keeps_its_layer():
    lowered = lowered_and_right(
        network(
            dict.fromkeys("xcsy", (6, 5, 5)),
            convolution("x", "c", (6, 6, 1, 1)),
            Sum(name="sum", inputs=("x", "c"), output="s", addition=ADDITION),
            Sum(name="again", inputs=("s", "c"), output="y", addition=ADDITION),
        )
    )
    first, second, *more = layers(lowered)
    assert (first.residual, second.residual, second.kind) == (False, True, Kind.DEPTHWISE)
    assert not more or more[0].residual


def test_an_addition_of_two_inputs_is_a_layer_of_its_own():
    lowered = lowered_and_right(
        network(
            dict.fromkeys("aby", (6, 5, 5)),
            Sum(name="sum", inputs=("a", "b"), output="y", addition=ADDITION),
        )
    )
    (layer,) = layers(lowered)
    assert (layer.kind, layer.R, layer.S, layer.residual) == (Kind.DEPTHWISE, 1, 1, True)


def test_parts_of_a_concatenation_are_made_in_place():
    """No copy, also where a concatenation grows by a part at a time."""
    lowered = lowered_and_right(
        network(
            {"x": (3, 4, 4), "a": (5, 4, 4), "xa": (8, 4, 4), "b": (2, 4, 4), "xab": (10, 4, 4)},
            convolution("x", "a", (5, 3, 1, 1)),
            Concatenation(name="first", inputs=("x", "a"), output="xa"),
            convolution("xa", "b", (2, 8, 1, 1)),
            Concatenation(name="second", inputs=("xa", "b"), output="xab"),
        )
    )
    assert [layer.name for layer in layers(lowered)] == ["conv_a", "conv_b"]
    assert lowered.buffers == {"xab": 4 * 16}
    assert lowered.tensors["xab"].channels == (0, 1, 2, 4, 5, 6, 7, 8, 12, 13)
    assert layers(lowered)[1].C == 9, "the gap behind x meets zero weights"


def test_a_part_with_two_homes_is_copied_into_the_second():
    lowered = lowered_and_right(
        network(
            {name: (4, 4, 4) for name in "abc"} | {"ab": (8, 4, 4), "bc": (8, 4, 4)},
            Concatenation(name="first", inputs=("a", "b"), output="ab"),
            Concatenation(name="second", inputs=("b", "c"), output="bc"),
        )
    )
    (copy,) = lowered.layer_calls
    assert (copy.layer.kind, copy.makes) == (Kind.DEPTHWISE, "bc")


def test_residuals_lie_as_the_outputs_do():
    """The dense layer takes the channels of the residual, gaps included."""
    lowered = lowered_and_right(
        network(
            {"a": (3, 4, 4), "b": (4, 4, 4), "ab": (7, 4, 4), "c": (7, 4, 4), "y": (7, 4, 4)},
            Concatenation(name="join", inputs=("a", "b"), output="ab"),
            convolution("ab", "c", (7, 7, 1, 1)),
            Sum(name="sum", inputs=("c", "ab"), output="y", addition=ADDITION),
        )
    )
    (call,) = lowered.layer_calls
    assert call.layer.K == 8
    assert lowered.tensors["y"].channels == lowered.tensors["ab"].channels


def test_a_residual_in_other_channels_is_permuted():
    lowered = lowered_and_right(
        network(
            {"a": (3, 4, 4), "b": (4, 4, 4), "ab": (7, 4, 4), "x": (7, 4, 4)}
            | {"c": (7, 4, 4), "y": (7, 4, 4)},
            Concatenation(name="join", inputs=("a", "b"), output="ab"),
            convolution("x", "c", (7, 1, 3, 3), groups=7, padding=(1, 1, 1, 1)),
            Sum(name="sum", inputs=("c", "ab"), output="y", addition=ADDITION),
        )
    )
    copy, main = layers(lowered)
    assert (copy.kind, main.kind, main.residual) == (Kind.CONV, Kind.DEPTHWISE, True)


def test_a_crop_is_a_view():
    lowered = lowered_and_right(
        network(
            {"x": (9, 8, 8), "c": (4, 3, 4), "y": (2, 3, 4)},
            Crop(
                name="crop",
                inputs=("x",),
                output="c",
                starts=(4, 1, 0),
                ends=(8, 7, 8),
                steps=(1, 2, 2),
            ),
            convolution("c", "y", (2, 4, 1, 1)),
        )
    )
    (call,) = lowered.layer_calls
    assert call.input.offset == 64 + 8
    assert call.input.pitches == Pitches(block=48, row=16, pixel=2)
    assert call.layer.C == 4


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0)])
def test_a_flattened_image_is_read_where_it_lies(axes):
    """As one pixel whose channels are all bytes of the image."""
    lowered = lowered_and_right(
        network(
            {"i": (6, 3, 2), "x": (6, 3, 2), "f": (36, 1, 1), "y": (5, 1, 1)},
            convolution("i", "x", (6, 6, 1, 1)),
            Rearranged(
                name="flatten",
                inputs=("x",),
                output="f",
                before=(6, 3, 2),
                axes=axes,
                after=(36, 1, 1),
            ),
            convolution("f", "y", (5, 36, 1, 1)),
        )
    )
    _, layer = layers(lowered)
    assert (layer.kind, layer.C) == (Kind.LINEAR, 2 * 6 * 4 - 2)


def test_a_channel_shuffle_moves_nothing():
    lowered = lowered_and_right(
        network(
            {"i": (8, 3, 3), "x": (8, 3, 3), "s": (8, 3, 3), "y": (5, 3, 3)},
            convolution("i", "x", (8, 8, 1, 1)),
            Rearranged(
                name="shuffle",
                inputs=("x",),
                output="s",
                before=(2, 4, 3, 3),
                axes=(1, 0, 2, 3),
                after=(8, 3, 3),
            ),
            convolution("s", "y", (5, 8, 1, 1)),
        )
    )
    assert len(lowered.calls) == 2
    assert lowered.tensors["s"].channels == (0, 4, 1, 5, 2, 6, 3, 7)


def channels_second(source: str, output: str) -> Rearranged:
    """A [4, 6, 5] tensor whose channels come last becomes [5, 4, 6]."""
    return Rearranged(
        name="turn",
        inputs=(source,),
        output=output,
        before=(1, 4, 6, 5),
        axes=(0, 3, 1, 2),
        after=(5, 4, 6),
    )


def test_an_input_with_channels_last_is_written_with_channels_first():
    lowered = lowered_and_right(
        network(
            {"x": (4, 6, 5), "t": (5, 4, 6), "y": (3, 4, 6)},
            channels_second("x", "t"),
            convolution("t", "y", (3, 5, 1, 1)),
        )
    )
    (layer,) = layers(lowered)
    assert (layer.C, layer.height, layer.width) == (5, 4, 6)
    places = lowered.tensors["x"].byte_places(4), lowered.tensors["t"].byte_places(4)
    assert np.array_equal(places[0], places[1].transpose(1, 2, 0))


def test_a_turned_output_is_read_where_it_lies():
    lowered = lowered_and_right(
        network(
            {"x": (3, 6, 5), "y": (4, 6, 5), "t": (5, 4, 6)},
            convolution("x", "y", (4, 3, 1, 1)),
            channels_second("y", "t"),
        )
    )
    assert len(lowered.calls) == 1
    assert lowered.outputs[0].name == "t"


def test_what_the_host_makes_is_written_turned():
    shape = (4, 6, 5)
    soft = HostFunction(
        name="soft",
        inputs=("x",),
        output="s",
        kind="softmax",
        attributes={"axis": 1},
        input_shapes=((1, *shape),),
        output_shape=(1, *shape),
    )
    lowered = lowered_and_right(
        network(
            {"x": shape, "s": shape, "t": (5, 4, 6), "y": (2, 4, 6)},
            soft,
            channels_second("s", "t"),
            convolution("t", "y", (2, 5, 1, 1)),
        )
    )
    host, layer = lowered.calls
    assert isinstance(host, HostCall)
    assert (host.output.name, host.operator.output) == ("s", "s")
    assert isinstance(layer, LayerCall)


def test_a_turned_image_between_layers_is_copied():
    """Lanes become columns, so no pitches say it."""
    lowered = lowered_and_right(
        network(
            {"x": (3, 6, 5), "y": (4, 6, 5), "t": (5, 4, 6), "z": (2, 4, 6)},
            convolution("x", "y", (4, 3, 1, 1)),
            channels_second("y", "t"),
            convolution("t", "z", (2, 5, 1, 1)),
        )
    )
    assert {call.makes for call in lowered.layer_calls} == {"y", "t", "z"}


def test_depth_to_space_is_one_layer_a_phase():
    lowered = lowered_and_right(
        network(
            {"i": (12, 3, 4), "x": (12, 3, 4), "y": (3, 6, 8), "z": (2, 6, 8)},
            convolution("i", "x", (12, 12, 1, 1)),
            Rearranged(
                name="shuffle",
                inputs=("x",),
                output="y",
                before=(3, 2, 2, 3, 4),
                axes=(0, 3, 1, 4, 2),
                after=(3, 6, 8),
            ),
            convolution("y", "z", (2, 3, 1, 1)),
        )
    )
    phases = lowered.layer_calls[1:-1]
    assert [call.layer.output_stride for call in phases] == [(2, 2)] * 4
    assert {call.output.offset for call in phases} == {0, 1, 8, 9}


def test_upsampling_is_one_layer_a_phase():
    lowered = lowered_and_right(
        network(
            {"x": (5, 3, 4), "y": (5, 6, 4)},
            Upsampling(name="up", inputs=("x",), output="y", factors=(2, 1)),
        )
    )
    assert [(layer.output_stride, layer.table) for layer in layers(lowered)] == [
        ((2, 1), False),
        ((2, 1), False),
    ]


def test_a_transposed_convolution_is_one_layer_a_phase():
    """The kernel of 3 at stride 2 meets two rows in one phase and one in the other."""
    kernel = convolution("x", "y", (4, 5, 3, 3))
    lowered = lowered_and_right(
        network(
            {"x": (4, 3, 3), "y": (5, 6, 6)},
            TransposedConvolution(
                name="up",
                inputs=("x",),
                output="y",
                weights=kernel.weights,
                bias=np.zeros(5, np.int32),
                multiplier=np.full(5, 1 << 30, np.int32),
                shift=np.full(5, 7, np.int32),
                stride=(2, 2),
                padding=(1, 1, 0, 0),
            ),
        )
    )
    assert [(layer.R, layer.S) for layer in layers(lowered)] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_padding_with_the_outside_value_goes_into_the_reader():
    shapes = {"x": (4, 5, 5), "p": (4, 7, 7), "y": (4, 5, 5)}
    padded = Padded(name="pad", inputs=("x",), output="p", padding=(1, 1, 1, 1), value=3)
    lowered = lowered_and_right(network(shapes, padded, convolution("p", "y", (4, 4, 3, 3))))
    (layer,) = layers(lowered)
    assert (layer.height, layer.padding) == (5, (1, 1))
    assert "p" not in lowered.tensors


def test_padding_with_another_value_is_a_copy():
    shapes = {"x": (4, 5, 5), "p": (4, 7, 7), "y": (4, 5, 5)}
    padded = Padded(name="pad", inputs=("x",), output="p", padding=(1, 1, 1, 1), value=7)
    lowered = lowered_and_right(network(shapes, padded, convolution("p", "y", (4, 4, 3, 3))))
    assert [layer.name for layer in layers(lowered)] == ["pad", "conv_y"]
    assert lowered.layer_calls[0].input_zero_point == 7


def test_a_maximum_pads_with_the_smallest_byte():
    lowered = lowered_and_right(
        network(
            {"x": (4, 5, 5), "y": (4, 5, 5)},
            MaximumPool(
                name="pool",
                inputs=("x",),
                output="y",
                kernel=(3, 3),
                stride=(1, 1),
                padding=(1, 1, 1, 1),
            ),
        )
    )
    (call,) = lowered.layer_calls
    assert (call.layer.maximum, call.input_zero_point) == (True, -128)
    assert set(call.weights.reshape(-1).tolist()) == {1}


@pytest.mark.parametrize(
    ("groups", "inputs", "outputs", "beat_bytes", "num_layers"),
    [(4, 4, 8, 4, 4), (4, 2, 4, 4, 2), (3, 2, 2, 4, 2), (6, 1, 3, 16, 1)],
)
def test_groups_are_merged_until_they_fill_blocks(groups, inputs, outputs, beat_bytes, num_layers):
    shapes = {"x": (groups * inputs, 3, 3), "y": (groups * outputs, 3, 3)}
    weights = (groups * outputs, inputs, 1, 1)
    lowered = lowered_and_right(
        network(shapes, convolution("x", "y", weights, groups=groups)), beat_bytes
    )
    assert len(lowered.layer_calls) == num_layers


def test_names_are_clean_and_differ():
    graph = network(
        {name: (4, 4, 4) for name in "xab"},
        Convolution(**{**vars(convolution("x", "a", (4, 4, 1, 1))), "name": "/model.0/conv/Conv"}),
        Convolution(**{**vars(convolution("a", "b", (4, 4, 1, 1))), "name": "/model.0/conv/Conv"}),
    )
    assert [layer.name for layer in layers(lower(graph, beat_bytes=4))] == [
        "_model.0_conv_Conv",
        "_model.0_conv_Conv.2",
    ]


def test_numbers_that_are_no_bytes_stay_with_the_host():
    graph = network(
        {"x": (4, 1, 1), "a": (4, 1, 1), "p": (4, 1, 1)},
        convolution("x", "a", (4, 4, 1, 1)),
        HostFunction(
            name="soft",
            inputs=("a",),
            output="p",
            kind="softmax",
            macs=4,
            input_shapes=((1, 4),),
            output_shape=(1, 4),
        ),
    )
    tensors = {**graph.tensors, "p": replace(graph.tensors["p"], dtype="float32")}
    graph = replace(graph, tensors=tensors)
    lowered = lower(graph, beat_bytes=4)
    assert lowered.outputs[0].view is None
    (host,) = network_of(lowered).host
    assert (host.name, host.operator, host.macs) == ("soft", "softmax", 4)


def test_the_search_sees_the_layers():
    for seed in range(60):
        lowered = lower(random_graph(seed), beat_bytes=16)
        if lowered.layer_calls:
            network = network_of(lowered)
            assert network.layers == tuple(call.layer for call in lowered.layer_calls)
            assert len(network.host) == len(lowered.host_calls)


def test_products_that_the_host_computes_are_counted():
    """Without pitched stores a transposed convolution is the host's, and so is a wide frame's."""
    kernel = convolution("x", "y", (4, 5, 3, 2))
    up = TransposedConvolution(
        name="up",
        inputs=("x",),
        output="u",
        weights=kernel.weights,
        bias=np.zeros(5, np.int32),
        multiplier=np.full(5, 1 << 30, np.int32),
        shift=np.full(5, 7, np.int32),
        stride=(2, 2),
    )
    wide = convolution("u", "w", (6, 5, 1, 1), padding=(256, 0, 0, 0))
    shapes = {"x": (4, 3, 4), "u": (5, 7, 8), "w": (6, 263, 8), "y": (2, 263, 8)}
    graph = network(shapes, up, wide, convolution("w", "y", (2, 6, 1, 1)))
    options = frozenset(Option) - {Option.PITCHED_STORE}
    host = network_of(lower(graph, beat_bytes=4, options=options)).host
    assert [(one.operator, one.macs) for one in host] == [
        ("TransposedConvolution", 4 * 5 * 3 * 2 * 3 * 4),
        ("Convolution", 6 * 5 * 263 * 8),
    ]


def test_a_layer_that_rounds_once_says_so():
    """With what stands behind it, and in all its parts; other layers need nothing for it."""
    image = (8, 3, 3)
    lowered = lowered_and_right(
        network(
            dict.fromkeys("xcsy", image) | {"z": (16, 3, 3)},
            convolution("x", "c", (8, 8, 1, 1), rounds_once=True),
            Sum(name="sum", inputs=("c", "x"), output="s", addition=ADDITION),
            Lookup(name="table", inputs=("s",), output="y", entries=ENTRIES),
            convolution("y", "z", (16, 4, 1, 1), groups=2, rounds_once=True),
        )
    )
    assert [layer.rounds_once for layer in layers(lowered)] == [True, True, True]
    assert layers(lowered)[0].options == {Option.RESIDUAL, Option.TABLE, Option.SINGLE_ROUNDING}
    assert Option.SINGLE_ROUNDING in network_of(lowered).options
    plain = lower(
        network({"x": image, "y": image}, convolution("x", "y", (8, 8, 1, 1))), beat_bytes=4
    )
    assert not network_of(plain).options


def test_the_host_rounds_once_where_the_accelerator_does_not():
    """What stands behind the layer stays on the accelerator."""
    shapes = dict.fromkeys("xacy", (8, 3, 3))
    graph = network(
        shapes,
        convolution("x", "a", (8, 8, 1, 1)),
        convolution("a", "c", (8, 8, 1, 1), rounds_once=True),
        Lookup(name="table", inputs=("c",), output="y", entries=ENTRIES),
    )
    lowered = lower(graph, options=frozenset(Option) - {Option.SINGLE_ROUNDING}, beat_bytes=4)
    (call,) = lowered.host_calls
    assert (call.name, call.reason) == ("conv_c", "the accelerator must have single_rounding")
    assert [layer.name for layer in layers(lowered)] == ["conv_a", "table"]
    assert network_of(lowered).host[0].macs == 8 * 8 * 3 * 3
    inputs = random_inputs(graph, np.random.default_rng(1))
    wanted = run_integers(graph, inputs)["y"]
    assert np.array_equal(run_lowered(lowered, inputs)["y"], wanted)
