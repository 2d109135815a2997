"""The golden convolution against the definition, written as seven loops."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naas_hw.workload.arithmetic.golden import reference_accumulators, reference_output
from naas_hw.workload.arithmetic.quantise import QuantisedLayer, random_quantised_layer
from naas_hw.workload.arithmetic.requantise import requantise
from naas_hw.workload.layer import Kind, Layer

small = st.integers(1, 4)


@st.composite
def layers(draw):
    kind = draw(st.sampled_from([Kind.CONV, Kind.DEPTHWISE]))
    return Layer(
        name="x",
        kind=kind,
        K=draw(small),
        C=1 if kind is Kind.DEPTHWISE else draw(small),
        P=draw(small),
        Q=draw(small),
        R=draw(small),
        S=draw(small),
        height=draw(st.integers(1, 7)),
        width=draw(st.integers(1, 7)),
        stride=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        padding=(draw(st.integers(0, 5)), draw(st.integers(0, 5))),
        dilation=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        groups=draw(st.integers(1, 2)),
    )


def brute_force(layer: Layer, quantised: QuantisedLayer) -> np.ndarray:
    """Sum over c, r, s of weight times input, one output at a time."""
    total = np.zeros((layer.groups * layer.K, layer.P, layer.Q), dtype=object)
    for k, p, q in np.ndindex(total.shape):
        for c, r, s in product(range(layer.C), range(layer.R), range(layer.S)):
            row = p * layer.stride[0] + r * layer.dilation[0] - layer.padding[0]
            column = q * layer.stride[1] + s * layer.dilation[1] - layer.padding[1]
            channel = k if layer.kind is Kind.DEPTHWISE else k // layer.K * layer.C + c
            inside = 0 <= row < layer.height and 0 <= column < layer.width
            value = quantised.input_zero_point
            if inside:
                value = int(quantised.inputs[channel, row, column])
            total[k, p, q] += int(quantised.weights[k, c, r, s]) * value
    return total


@settings(max_examples=60, deadline=None)
@given(layer=layers(), seed=st.integers(0, 1000))
def test_equals_the_definition(layer, seed):
    """Stride, padding, dilation, groups, depthwise, ragged ends: equal to seven loops."""
    quantised = random_quantised_layer(layer, np.random.default_rng(seed))
    expected = brute_force(layer, quantised)
    assert (reference_accumulators(layer, quantised) == expected).all()


def tensors(**changes):
    values: dict[str, Any] = dict(
        weights=np.full((1, 1, 1, 1), -128, np.int8),
        inputs=np.full((1, 1, 1), -128, np.int8),
        bias=np.zeros(1, np.int32),
        multiplier=np.full(1, 1 << 30, np.int32),
        shift=np.zeros(1, np.int32),
        input_zero_point=0,
        output_zero_point=0,
        clamp_min=-128,
        clamp_max=127,
    )
    return QuantisedLayer(**(values | changes))


def test_large_sums_are_exact():
    """65535 products of (-128)^2, 2^30 - 2^14: no bit is lost, none wraps."""
    layer = Layer(name="x", kind=Kind.LINEAR, K=1, C=65535, height=1, width=1)
    quantised = tensors(
        weights=np.full((1, 65535, 1, 1), -128, np.int8),
        inputs=np.full((65535, 1, 1), -128, np.int8),
    )
    assert reference_accumulators(layer, quantised)[0, 0, 0] == 2**30 - 2**14


def test_output_is_requantised_with_the_folded_bias():
    """Weight 2, input 10, zero point 4: the folded bias is -8, and 2 (10 - 4) = 12, halved 6."""
    layer = Layer(name="x", K=1, height=1, width=1)
    quantised = tensors(
        weights=np.full((1, 1, 1, 1), 2, np.int8),
        inputs=np.full((1, 1, 1), 10, np.int8),
        bias=np.full(1, -2 * 4, np.int32),
        input_zero_point=4,
    )
    assert reference_output(layer, quantised)[0, 0, 0] == 6


def test_padding_counts_as_zero_after_folding():
    """An image of the zero point only, padded: with the folded bias every output is zero."""
    layer = Layer(name="x", K=1, P=3, Q=3, R=3, S=3, height=3, width=3, padding=(1, 1))
    weights = np.arange(9, dtype=np.int8).reshape(1, 1, 3, 3)
    quantised = tensors(
        weights=weights,
        inputs=np.full((1, 3, 3), 7, np.int8),
        bias=np.full(1, -7 * 36, np.int32),
        input_zero_point=7,
        output_zero_point=5,
    )
    assert (reference_output(layer, quantised) == 5).all()


def test_output_is_requantise_of_the_accumulators():
    """The two goldens are joined with the parameters in their places."""
    layer = Layer(name="x", K=3, C=2, P=2, Q=2, R=2, S=2, height=3, width=3)
    quantised = random_quantised_layer(layer, np.random.default_rng(3))
    expected = requantise(
        reference_accumulators(layer, quantised),
        quantised.bias,
        quantised.multiplier,
        quantised.shift,
        quantised.output_zero_point,
        quantised.clamp_min,
        quantised.clamp_max,
    )
    assert (reference_output(layer, quantised) == expected).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": np.zeros((1, 1, 1, 1))}, "weights must be int8, not float64"),
        ({"weights": np.zeros((1, 1), np.int8)}, "weights must have 4 axes"),
        ({"bias": np.zeros(2, np.int32)}, r"bias must have shape \(1,\), not \(2,\)"),
        ({"multiplier": np.ones(1, np.int32)}, r"multiplier must be at least 2\^30, not 1"),
        ({"shift": np.full(1, 32, np.int32)}, "shift must be 0 to 31"),
        ({"input_zero_point": 128}, "input_zero_point must be -128 to 127, not 128"),
        ({"clamp_min": 5, "clamp_max": 4}, "clamp_min must be at most clamp_max, 4, not 5"),
    ],
)
def test_wrong_tensors_are_refused(changes, message):
    """Type, shape and range of every part are checked at construction."""
    with pytest.raises(ValueError, match=message):
        tensors(**changes)


def test_tensors_of_another_layer_are_refused():
    """Shapes have to be those of the layer."""
    layer = Layer(name="x", K=2, height=1, width=1)
    with pytest.raises(ValueError, match=r"weights must have shape \(2, 1, 1, 1\)"):
        reference_output(layer, tensors())


def test_tensors_are_read_only():
    """A frozen value has frozen arrays."""
    with pytest.raises(ValueError, match="read-only"):
        tensors().weights[0] = 1
