"""Random tensors: full range, seeded, and outputs that would show a wrong sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naas_hw.workload.arithmetic.golden import reference_accumulators, reference_output
from naas_hw.workload.arithmetic.quantise import Tensors, random_quantised_layer
from naas_hw.workload.catalogue import load_builtin
from naas_hw.workload.layer import Activation, Kind, Layer

MAX_CLAMPED = 0.05
MIN_DISTINCT = 100

CONV = Layer(name="conv", K=16, C=8, P=12, Q=12, R=3, S=3, height=12, width=12, padding=(1, 1))
SHAPES = [
    CONV,
    Layer(name="pointwise", K=40, C=24, P=7, Q=7, height=7, width=7),
    Layer(name="one_product", K=8, C=1, P=20, Q=20, height=20, width=20),
    Layer(name="linear", kind=Kind.LINEAR, K=1000, C=64, height=1, width=1),
    Layer(name="grouped", K=6, C=4, P=9, Q=9, R=3, S=3, height=11, width=11, groups=4),
    Layer(name="depthwise", kind=Kind.DEPTHWISE, K=32, P=7, Q=7, R=3, S=3, height=15, width=15,
          stride=(2, 2)),
    Layer(name="strided", K=8, C=3, P=16, Q=16, R=7, S=7, height=33, width=33, stride=(2, 2),
          padding=(3, 3)),
]  # fmt: skip


def clamped_share(outputs, quantised):
    at_clamp = (outputs == quantised.clamp_min) | (outputs == quantised.clamp_max)
    return float(at_clamp.mean())


@pytest.mark.parametrize("activation", Activation)
@pytest.mark.parametrize("layer", SHAPES, ids=lambda layer: layer.name)
def test_outputs_say_something(layer, activation):
    """At most 5 % of the bytes at a clamp, at least 100 distinct ones."""
    layer = layer.model_copy(update={"activation": activation})
    for seed in range(5):
        quantised = random_quantised_layer(layer, np.random.default_rng(seed))
        outputs = reference_output(layer, quantised)
        assert clamped_share(outputs, quantised) <= MAX_CLAMPED
        assert len(np.unique(outputs)) >= MIN_DISTINCT


@pytest.mark.takes_seconds
@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet50"])
def test_outputs_of_a_real_network_say_something(name):
    """The same, of every fifth distinct layer of a network at full size."""
    for layer in list(load_builtin(name).distinct_layers)[::5]:
        quantised = random_quantised_layer(layer, np.random.default_rng(1))
        outputs = reference_output(layer, quantised)
        assert clamped_share(outputs, quantised) <= MAX_CLAMPED
        assert len(np.unique(outputs)) >= MIN_DISTINCT


@settings(max_examples=100, deadline=None)
@given(
    K=st.integers(1, 9),
    C=st.integers(1, 9),
    P=st.integers(1, 9),
    padding=st.integers(0, 9),
    activation=st.sampled_from(Activation),
    seed=st.integers(0, 100),
)
def test_no_layer_is_clamped_much(K, C, P, padding, activation, seed):
    """However small or however much padding: at most 5 % of the bytes at a clamp."""
    layer = Layer(name="x", K=K, C=C, P=P, Q=P, R=3, S=3, height=P, width=P,
                  padding=(padding, padding), activation=activation)  # fmt: skip
    quantised = random_quantised_layer(layer, np.random.default_rng(seed))
    assert clamped_share(reference_output(layer, quantised), quantised) <= MAX_CLAMPED


def test_tensors_fill_the_int8_range():
    """Weights and inputs go from -128 to 127; zero points differ between seeds."""
    layer = CONV.model_copy(update={"K": 256, "C": 32, "height": 40, "width": 40})
    quantised = random_quantised_layer(layer, np.random.default_rng(0))
    for tensor in (quantised.weights, quantised.inputs):
        assert len(np.unique(tensor)) == 256
    several = [random_quantised_layer(CONV, np.random.default_rng(seed)) for seed in range(20)]
    assert len({one.input_zero_point for one in several}) > 10
    assert len({one.output_zero_point for one in several}) > 10


def test_channels_differ():
    """Bias and multiplier are per channel."""
    quantised = random_quantised_layer(CONV, np.random.default_rng(0))
    assert len(np.unique(quantised.bias)) == CONV.K
    assert len(np.unique(quantised.multiplier)) == CONV.K


def test_same_seed_same_tensors():
    """All randomness comes from the generator."""
    one, two = (random_quantised_layer(CONV, np.random.default_rng(7)) for _ in range(2))
    for name in ("weights", "inputs", "bias", "multiplier", "shift"):
        assert (getattr(one, name) == getattr(two, name)).all()
    assert one.output_zero_point == two.output_zero_point


@pytest.mark.parametrize("activation", [Activation.RELU, Activation.RELU6])
def test_relu_clamps_at_its_zero_point(activation):
    """The lower clamp of a ReLU is the output's zero point; only ReLU6 has an upper one."""
    layer = CONV.model_copy(update={"activation": activation})
    for seed in range(10):
        quantised = random_quantised_layer(layer, np.random.default_rng(seed))
        assert quantised.clamp_min == quantised.output_zero_point
        assert (quantised.clamp_max < 127) == (activation is Activation.RELU6)


@pytest.mark.parametrize("seed", range(5))
def test_extreme_tensors_wrap_and_clamp(seed):
    """Some sums with their bias are no int32, and most outputs are at a clamp."""
    quantised = random_quantised_layer(CONV, np.random.default_rng(seed), Tensors.EXTREME)
    sums = reference_accumulators(CONV, quantised) + quantised.bias[:, None, None]
    assert (sums != sums.astype(np.int32)).mean() > 0.1
    outputs = reference_output(CONV, quantised)
    assert np.isin(outputs, (quantised.clamp_min, quantised.clamp_max)).mean() > 0.5
