"""What becomes of an operator, on graphs written by hand: no torch needed."""

import pytest

from naas_hw.workload.check import Verdict
from naas_hw.workload.classify import classify
from naas_hw.workload.graph import Graph, Operator, Reference
from naas_hw.workload.layer import Activation, Kind

MAPPED, FOLDED, HOST, UNSUPPORTED = Verdict


def graph(*operators, shapes, results=()):
    """A graph; tensors named w... are constants of the module named after them."""
    return Graph(
        operators=operators,
        shapes=shapes,
        constants={name: f"{name}.weight" for name in shapes if name.startswith("w")},
        results=results,
        num_parameters=0,
    )


def op(name, kind, *tensors, **arguments):
    """An operator that makes one tensor of its own name; tensors as input and weight."""
    first = "input" if kind in ("conv2d", "conv_transpose2d", "linear", "batch_norm") else "self"
    given = {key: Reference(t) for key, t in zip((first, "weight"), tensors, strict=False)}
    return Operator(name=name, kind=kind, arguments=given | arguments, outputs=(name,))


SHAPES = {"x": (1, 8, 6, 6), "w": (4, 8, 3, 3), "y": (1, 4, 4, 4), "z": (1, 4, 4, 4)}
CONV = op("y", "conv2d", "x", "w")


def verdicts(found):
    return [check.verdict for check in found.checks]


def test_convolution_is_mapped():
    """Every bound from the shapes; the layer is named after the module with the weights."""
    found = classify(graph(CONV, shapes=SHAPES))
    (layer,) = found.layers
    assert layer.name == "w"
    assert list(layer.bounds.values()) == [4, 8, 4, 4, 3, 3]
    assert found.checks[0].reason == "conv K4 C8 P4 Q4 R3 S3"


@pytest.mark.parametrize(
    ("kind", "arguments", "activation"),
    [
        ("relu", {}, Activation.RELU),
        ("relu6", {}, Activation.RELU6),
        ("hardtanh", {"min_val": 0.0, "max_val": 6.0}, Activation.RELU6),
        ("clamp", {"min": 0}, Activation.RELU),
        ("clamp", {"min": 0, "max": 6}, Activation.RELU6),
        ("clamp_min", {"min": 0}, Activation.RELU),
    ],
)
def test_activation_folds_through_batch_norm(kind, arguments, activation):
    """Convolution, batch norm, activation: one layer."""
    norm, clamp = op("b", "batch_norm", "y"), op("z", kind, "b", **arguments)
    found = classify(graph(CONV, norm, clamp, shapes=SHAPES))
    assert verdicts(found) == [MAPPED, FOLDED, FOLDED]
    assert [layer.activation for layer in found.layers] == [activation]
    assert {check.layer for check in found.checks} == {"w"}


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("hardtanh", {}),
        ("hardtanh", {"min_val": 0, "max_val": 1}),
        ("clamp", {"min": -1, "max": 1}),
        ("clamp", {"max": 6}),
    ],
)
def test_other_clamps_stay_on_the_host(kind, arguments):
    """Only ReLU and ReLU6 are a layer's own."""
    found = classify(graph(CONV, op("z", kind, "y", **arguments), shapes=SHAPES))
    assert verdicts(found) == [MAPPED, HOST]
    assert found.layers[0].activation is Activation.NONE


@pytest.mark.parametrize(
    "others",
    [
        (op("z", "relu", "y"), op("a", "sigmoid", "y")),
        (op("a", "sigmoid", "y"), op("z", "relu", "a")),
    ],
)
def test_activation_that_does_not_directly_follow_stays(others):
    """A sum that somebody else reads, or that is another's: the ReLU stays outside."""
    found = classify(graph(CONV, *others, shapes=SHAPES))
    assert verdicts(found) == [MAPPED, HOST, HOST]
    assert found.layers[0].activation is Activation.NONE


def test_a_result_of_the_model_is_a_use():
    """The unclamped sum is returned, so nothing folds into it."""
    found = classify(graph(CONV, op("z", "relu", "y"), shapes=SHAPES, results=("y", "z")))
    assert verdicts(found) == [MAPPED, HOST]


def test_one_activation_a_layer():
    """The second ReLU, and a batch norm after a ReLU, stay outside."""
    relu = op("z", "relu", "y")
    for last in (op("a", "relu", "z"), op("a", "batch_norm", "z")):
        assert verdicts(classify(graph(CONV, relu, last, shapes=SHAPES))) == [MAPPED, FOLDED, HOST]


def test_batch_norm_before_a_convolution_stays():
    """Padding keeps it from being folded forwards."""
    found = classify(graph(op("x", "batch_norm", "i"), CONV, shapes=SHAPES))
    assert verdicts(found) == [HOST, MAPPED]


def test_training_mode_is_unsupported():
    """Batch norm and dropout have to be in evaluation mode."""
    found = classify(
        graph(
            op("a", "batch_norm", "x", training=True),
            op("b", "dropout", "x", p=0.5, train=True),
            op("c", "dropout", "x", p=0.5, train=False),
            shapes=SHAPES,
        )
    )
    assert verdicts(found) == [UNSUPPORTED, UNSUPPORTED, FOLDED]


def test_batch_norm_along_rows_stays():
    """A linear layer on rows has its channels last, batch norm on axis 1: not the same."""
    shapes = {"x": (1, 5, 8), "w": (4, 8), "y": (1, 5, 4)}
    found = classify(graph(op("y", "linear", "x", "w"), op("z", "batch_norm", "y"), shapes=shapes))
    assert verdicts(found) == [MAPPED, HOST]


@pytest.mark.parametrize(
    ("weight", "groups", "kind", "bounds"),
    [
        ((8, 1, 3, 3), 8, Kind.DEPTHWISE, (8, 1, 1)),
        ((16, 1, 3, 3), 8, Kind.CONV, (2, 1, 8)),
        ((4, 4, 3, 3), 2, Kind.CONV, (2, 4, 2)),
    ],
)
def test_groups(weight, groups, kind, bounds):
    """Depthwise with multiplier 1; all others as groups of K and C each."""
    shapes = SHAPES | {"w": weight}
    (layer,) = classify(graph(op("y", "conv2d", "x", "w", groups=groups), shapes=shapes)).layers
    assert layer.kind is kind
    assert (layer.K, layer.C, layer.groups) == bounds


def test_one_channel_is_no_depthwise_layer():
    """groups = 1 is an ordinary convolution, whatever the channels."""
    shapes = {"x": (1, 1, 6, 6), "w": (1, 1, 3, 3), "y": (1, 1, 4, 4)}
    assert classify(graph(CONV, shapes=shapes)).layers[0].kind is Kind.CONV


@pytest.mark.parametrize(
    ("arguments", "stride", "padding", "dilation"),
    [
        ({"stride": [2], "padding": [1]}, (2, 2), (1, 1), (1, 1)),
        ({"stride": [2, 3], "padding": [1, 0]}, (2, 3), (1, 0), (1, 1)),
        ({"padding": "valid"}, (1, 1), (0, 0), (1, 1)),
        ({"padding": "same", "dilation": [2, 1]}, (1, 1), (2, 1), (2, 1)),
    ],
)
def test_stride_padding_dilation(arguments, stride, padding, dilation):
    """One or two numbers, or a word."""
    (layer,) = classify(graph(op("y", "conv2d", "x", "w", **arguments), shapes=SHAPES)).layers
    assert (layer.stride, layer.padding, layer.dilation) == (stride, padding, dilation)


def test_linear_on_rows_is_a_column_of_positions():
    """One row is a linear layer; five are a 1x1 convolution of a 5 x 1 image."""
    for rows, kind in ((1, Kind.LINEAR), (5, Kind.CONV)):
        shapes = {"x": (1, rows, 8), "w": (4, 8), "y": (1, rows, 4)}
        (layer,) = classify(graph(op("y", "linear", "x", "w"), shapes=shapes)).layers
        assert (layer.kind, layer.K, layer.C, layer.P, layer.Q) == (kind, 4, 8, rows, 1)


def test_decomposed_linear_is_a_linear_layer():
    """addmm with weights that were transposed: the name is still the module's."""
    turned = Operator(name="t", kind="t", arguments={"self": Reference("w")}, outputs=("t",))
    product = Operator(
        name="y",
        kind="addmm",
        arguments={"self": Reference("wb"), "mat1": Reference("x"), "mat2": Reference("t")},
        outputs=("y",),
    )
    shapes = {"x": (1, 8), "w": (4, 8), "wb": (4,), "t": (8, 4), "y": (1, 4)}
    found = classify(graph(turned, product, shapes=shapes))
    assert verdicts(found) == [FOLDED, MAPPED]
    assert (found.layers[0].name, found.layers[0].K, found.layers[0].C) == ("w", 4, 8)


def test_transposed_convolution_is_a_product():
    """Stride = kernel: K counts channels times kernel positions, P and Q the input's."""
    shapes = {"x": (1, 8, 6, 6), "w": (8, 4, 2, 2), "y": (1, 4, 12, 12)}
    up = op("y", "conv_transpose2d", "x", "w", stride=[2, 2])
    (layer,) = classify(graph(up, shapes=shapes)).layers
    assert layer.kind is Kind.TRANSPOSED
    assert list(layer.bounds.values()) == [16, 8, 6, 6, 1, 1]


@pytest.mark.parametrize(
    ("operator", "changes", "reason"),
    [
        (op("y", "conv_transpose2d", "x", "w", stride=[2, 2]), {"w": (8, 4, 3, 3)},
         "stride of a transposed convolution must be its kernel, (3, 3), not (2, 2)"),
        (op("y", "conv_transpose2d", "x", "w", stride=[3, 3], padding=[1, 1]), {"w": (8, 4, 3, 3)},
         "padding of a transposed convolution must be 0, not (1, 1)"),
        (CONV, {"x": (2, 8, 6, 6)}, "batch must be 1, not 2"),
        (CONV, {"x": (1, 8, -1, 6)}, "sizes must be fixed, not dynamic"),
        (CONV, {"w": (70000, 8, 3, 3)}, "K must be at most 65535, not 70000"),
        (CONV, {"w": (4, 8, 3)}, "weights must have 4 axes, not 3"),
        (op("y", "conv2d", "x", "w", padding=[300, 300]), {},
         "padding[0] must be at most 255, not 300"),
        (op("y", "conv2d", "x", "w", groups=0), {}, "groups must split 8 channels by 8, not 0"),
        (op("y", "conv2d", "x", "x"), {},
         "weights must be constant, not computed from the input"),
        (op("y", "conv1d", "x", "w"), {}, "a convolution must have two spatial axes, not 1"),
        (op("y", "mylib.fft", "x"), {}, "operator must be a known one, not mylib.fft"),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_says_why(operator, changes, reason):
    """Unsupported, with the rule and the value; never an exception."""
    (check,) = classify(graph(operator, shapes=SHAPES | changes)).checks
    assert (check.verdict, check.reason) == (UNSUPPORTED, reason)


def test_never_stops_at_the_first_problem():
    """Every operator has its verdict, in order."""
    bad = op("a", "mylib.fft", "x")
    pool, shape = op("p", "max_pool2d", "y"), op("f", "flatten", "p")
    found = classify(graph(bad, CONV, bad, pool, shape, shapes=SHAPES))
    assert verdicts(found) == [UNSUPPORTED, MAPPED, UNSUPPORTED, HOST, FOLDED]
    assert [check.name for check in found.checks] == ["a", "y", "a", "p", "f"]


def test_what_does_not_depend_on_the_input_is_folded():
    """Weights that are scaled before use are weights still, and so is what a factory makes."""
    scaled = op("s", "mul", "w", other=2)
    made = Operator(name="o", kind="ones", arguments={"size": [4]}, outputs=("o",))
    found = classify(
        graph(scaled, made, op("y", "conv2d", "x", "s"), shapes=SHAPES | {"s": (4, 8, 3, 3)})
    )
    assert verdicts(found) == [FOLDED, FOLDED, MAPPED]
    assert found.layers[0].name == "w"


def test_a_module_that_is_called_twice_has_two_layers():
    """The second call is numbered."""
    shapes = {"x": (1, 8, 6, 6), "w": (8, 8, 1, 1), "y": (1, 8, 6, 6), "z": (1, 8, 6, 6)}
    found = classify(graph(CONV, op("z", "conv2d", "y", "w"), shapes=shapes))
    assert [layer.name for layer in found.layers] == ["w", "w_2"]
