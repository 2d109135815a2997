"""Inputs and outputs as a model's user has them, and what is exact in between."""

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.graph.integer_execution import image_of, model_values, run_integers
from naas_hw.graph.quantised import (
    Convolution,
    HostFunction,
    QuantisedGraph,
    QuantisedTensor,
    TransposedConvolution,
)


def tensor(name="x", shape=(2, 3, 4), graph_shape=None, zero_point=-3, **more):
    return QuantisedTensor(
        name=name,
        shape=shape,
        scale=0.5,
        zero_point=zero_point,
        graph_shape=(1, *shape) if graph_shape is None else graph_shape,
        **more,
    )


def test_real_numbers_are_quantised_half_to_even():
    given = np.array([0.25, 0.75, -0.25, 1e9], np.float32).reshape(1, 4, 1, 1)
    one = tensor(shape=(4, 1, 1))
    assert image_of(one, given).reshape(-1).tolist() == [-3, -1, -3, 127]
    assert model_values(one, np.full((4, 1, 1), -1, np.int8)).tolist() == [[[[1.0]]] * 4]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_what_goes_in_comes_out(dtype, channels_last):
    shape = (1, 3, 4, 2) if channels_last else (1, 2, 3, 4)
    one = tensor(graph_shape=shape, graph_dtype=dtype, channels_last=channels_last)
    limits = np.iinfo(dtype)
    given = np.random.default_rng(0).integers(limits.min, limits.max + 1, shape, dtype=dtype)
    image = image_of(one, given)
    assert image.shape == one.shape
    assert np.array_equal(model_values(one, image), given)


def test_unsigned_bytes_move_by_128():
    one = tensor(shape=(2, 1, 1), graph_dtype="uint8")
    given = np.array([0, 255], np.uint8).reshape(1, 2, 1, 1)
    assert image_of(one, given).reshape(-1).tolist() == [-128, 127]


@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
def test_a_transposed_convolution_spreads_each_pixel(stride):
    rng = np.random.default_rng(1)
    weights = rng.integers(-5, 6, (4, 3, 2, 3), dtype=np.int8)
    one = TransposedConvolution(
        name="y",
        inputs=("x",),
        output="y",
        weights=weights,
        bias=np.array([7, -2, 0, 1, 5, -9], np.int32),
        multiplier=np.full(6, (1 << 31) - 1, np.int32),
        shift=np.zeros(6, np.int32),
        stride=stride,
        groups=2,
    )
    image = rng.integers(-5, 6, (4, 3, 2), dtype=np.int8)
    rows, columns = 2 * stride[0] + 2, stride[1] + 3
    wanted = np.zeros((6, rows, columns), int) + one.bias[:, None, None]
    for channel in range(4):
        for output in range(3):
            for row in range(3):
                for column in range(2):
                    top, left = row * stride[0], column * stride[1]
                    number = int(image[channel, row, column]) + 3
                    place = (channel // 2) * 3 + output
                    wanted[place, top : top + 2, left : left + 3] += number * weights[
                        channel, output
                    ].astype(int)
    tensors = {"x": tensor("x", (4, 3, 2)), "y": tensor("y", (6, rows, columns))}
    graph = QuantisedGraph(
        name="a", operators=(one,), tensors=tensors, inputs=("x",), outputs=("y",)
    )
    got = run_integers(graph, {"x": image[None]})["y"]
    assert np.array_equal(got, np.clip(wanted - 3, -128, 127))


def test_the_host_gets_constants_at_their_places():
    one = HostFunction(
        name="y",
        inputs=("x",),
        output="y",
        kind="subtract",
        input_shapes=((1, 2, 3, 4),),
        output_shape=(1, 2, 3, 4),
        constants={0: np.array(4.0, np.float32)},
    )
    graph = QuantisedGraph(
        name="a",
        operators=(one,),
        tensors={"x": tensor("x"), "y": tensor("y")},
        inputs=("x",),
        outputs=("y",),
    )
    values = run_integers(graph, {"x": np.full((1, 2, 3, 4), 1.5, np.float32)})
    assert np.all(values["y"] == 2.5 / 0.5 - 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"inputs must have 'x', not only \[\]"),
        ({"x": np.zeros((2, 3, 4), np.float32)}, r"must be \[1, 2, 3, 4\], not \[2, 3, 4\]"),
        ({"x": np.zeros((1, 2, 3, 4), np.int32)}, "must be float32 or int8, not int32"),
        ({"x": np.zeros((1, 2, 3, 4), np.uint8)}, "must be float32 or int8, not uint8"),
    ],
)
def test_init_wrong_input(given, message):
    graph = QuantisedGraph(
        name="a",
        operators=(),
        tensors={"x": tensor(graph_dtype="int8")},
        inputs=("x",),
        outputs=("x",),
    )
    with pytest.raises(InputError, match=message):
        run_integers(graph, given)


@pytest.mark.parametrize(("rounds_once", "wanted"), [(False, [1, -1, 1, 0]), (True, [0, 0, 1, 0])])
def test_a_convolution_rounds_once_or_twice(rounds_once, wanted):
    """The factor is 0.49: the first of two roundings makes 1 of 0.98, the second 1 of 0.5, a tie.

    Rounded once, 0.49 is 0.
    """
    graph = QuantisedGraph(
        name="one",
        operators=(
            Convolution(
                name="layer",
                inputs=("x",),
                output="y",
                weights=np.ones((1, 1, 1, 1), np.int8),
                bias=np.zeros(1, np.int32),
                multiplier=np.array([round(0.98 * 2**31)], np.int32),
                shift=np.array([1], np.int32),
                rounds_once=rounds_once,
            ),
        ),
        tensors={name: tensor(name, (1, 1, 4), zero_point=0) for name in "xy"},
        inputs=("x",),
        outputs=("y",),
    )
    x = np.array([1, -1, 2, 0], np.int8).reshape(1, 1, 1, 4)
    assert run_integers(graph, {"x": x})["y"].reshape(-1).tolist() == wanted
