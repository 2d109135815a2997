"""What becomes of an operator, on graphs written by hand: no torch needed."""

from dataclasses import replace

import pytest

from naas_hw.workload.check import Verdict
from naas_hw.workload.frontends.classify import classify
from naas_hw.workload.frontends.graph import Reference, TracedGraph, TracedOperator
from naas_hw.workload.frontends.operands import WEIGHTED
from naas_hw.workload.layer import Activation, Kind

MAPPED, FOLDED, HOST, UNSUPPORTED = Verdict


def graph(*operators, shapes, results=()):
    """A graph; tensors named w... are constants of the module named after them."""
    return TracedGraph(
        operators=operators,
        shapes=shapes,
        constants={name: f"{name}.weight" for name in shapes if name.startswith("w")},
        results=results,
        num_parameters=0,
    )


def op(name, kind, *tensors, **arguments):
    """An operator that makes one tensor of its own name; tensors under the names of `ROLES`."""
    roles = ROLES.get(kind, ("input", "weight", "bias"))
    given = {key: Reference(t) for key, t in zip(roles, tensors, strict=False) if t is not None}
    return TracedOperator(name=name, kind=kind, arguments=given | arguments, outputs=(name,))


ROLES = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "matmul": ("self", "other"),
    "addmm": ("self", "mat1", "mat2"),
    "baddbmm": ("self", "batch1", "batch2"),
    "addbmm": ("self", "batch1", "batch2"),
    "batch_norm": ("input", "weight", "bias", "running_mean", "running_var"),
    "_native_batch_norm_legit_no_training": (
        "input", "weight", "bias", "running_mean", "running_var"),
    "scaled_dot_product_attention": ("query", "key", "value"),
    "to": ("self", "other"),
}  # fmt: skip


SHAPES = {"x": (1, 8, 6, 6), "w": (4, 8, 3, 3), "y": (1, 4, 4, 4), "z": (1, 4, 4, 4)}
CONV = op("y", "conv2d", "x", "w")


def verdicts(found):
    return [check.verdict for check in found.checks]


def test_convolution_whose_result_is_no_image_is_unsupported():
    (check,) = classify(graph(CONV, shapes={**SHAPES, "y": ()})).checks
    assert check.verdict is UNSUPPORTED
    assert check.reason == "a result must have the axes of an image, not 0"


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


@pytest.mark.parametrize("kind", [*sorted(WEIGHTED), "relu", "batch_norm", "print"])
def test_an_operator_without_a_result_is_named(kind):
    """A damaged graph has them; so has one that only prints."""
    mute = replace(CONV, kind=kind, outputs=())
    found = classify(graph(mute, op("z", "relu", "y"), shapes=SHAPES))
    assert verdicts(found)[0] == (UNSUPPORTED if kind in WEIGHTED else FOLDED)
    assert not found.layers


def test_training_mode_is_unsupported():
    """Batch norm and dropout have to be in evaluation mode."""
    found = classify(
        graph(
            op("a", "batch_norm", "x", None, None, "w", "w", training=True),
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
    """One group is an ordinary convolution, whatever the channels."""
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
    """The weights of `addmm` may be transposed: the name is still the module's."""
    turned = TracedOperator(name="t", kind="t", arguments={"self": Reference("w")}, outputs=("t",))
    product = TracedOperator(
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
        (op("y", "conv1d", "x", "w"), {}, "a convolution must have two spatial axes, not 1"),
        (op("y", "conv3d", "x", "w"), {}, "a convolution must have two spatial axes, not 3"),
        (op("y", "addbmm", None, "x", "w"), {},
         "a product must not be summed over its batch: write it as one product"),
        (op("y", "lstm", "x"), {}, "a recurrent layer must be unrolled into linear ones"),
        (op("y", "linear", "x", "w"), {"x": (65537, 8), "w": (4, 8), "y": (65537, 4)},
         "rows must be at most 65535, or two factors of at most 65535 each, not 65537, which has "
         "no such factors: pad them, or split the input"),
        (op("y", "bmm", "x", "w"), {"x": (1, 5, 8), "w": (2, 8, 4), "y": (2, 5, 4)},
         "leading axes of weights that differ along them must be those of the input, (1,), "
         "not (2,)"),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_says_why(operator, changes, reason):
    """Unsupported, with the rule and the value; never an exception."""
    (check,) = classify(graph(operator, shapes=SHAPES | changes)).checks
    assert (check.verdict, check.reason) == (UNSUPPORTED, reason)


def test_never_stops_at_the_first_problem():
    """Every operator has its verdict, in order."""
    bad = op("a", "conv3d", "x", "w")
    pool, shape = op("p", "max_pool2d", "y"), op("f", "flatten", "p")
    found = classify(graph(bad, CONV, bad, pool, shape, shapes=SHAPES))
    assert verdicts(found) == [UNSUPPORTED, MAPPED, UNSUPPORTED, HOST, FOLDED]
    assert [check.name for check in found.checks] == ["a", "y", "a", "p", "f"]


def test_what_does_not_depend_on_the_input_is_folded():
    """Weights that are scaled before use are weights still, and so is what a factory makes."""
    scaled = op("s", "mul", "w", other=2)
    made = TracedOperator(name="o", kind="ones", arguments={"size": [4]}, outputs=("o",))
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


# Each argument is constant, handled or named -------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "shapes"),
    [
        (op("y", "conv2d", "x", "w", "d"), {}),
        (op("y", "convolution", "x", "w", "d"), {}),
        (op("y", "conv_transpose2d", "x", "w", "d", stride=[3, 3]), {"w": (8, 4, 3, 3)}),
        (op("y", "linear", "x", "w", "d"), {"x": (5, 8), "w": (4, 8), "y": (5, 4)}),
        (op("y", "addmm", "d", "x", "w"), {"x": (5, 8), "w": (8, 4), "y": (5, 4)}),
        (op("y", "baddbmm", "d", "x", "w"), {"x": (1, 5, 8), "w": (1, 8, 4), "y": (1, 5, 4)}),
    ],
)
def test_computed_bias_is_an_addition_of_the_host(operator, shapes):
    """The layer is mapped without it, and the ReLU behind the addition is the host's too."""
    found = classify(graph(operator, op("z", "relu", "y"), shapes=SHAPES | shapes))
    assert verdicts(found) == [MAPPED, HOST, HOST]
    assert found.layers[0].activation is Activation.NONE
    mapped, addition, _relu = found.checks
    assert "without a bias" in mapped.reason
    assert (addition.name, addition.operator) == ("y.bias", "add")
    assert addition.reason.endswith("its bias is computed from the input")


@pytest.mark.parametrize("kind", ["batch_norm", "_native_batch_norm_legit_no_training"])
@pytest.mark.parametrize("computed", range(4))
def test_batch_norm_with_a_computed_parameter_stays(kind, computed):
    """gamma, beta, mean and variance: one that is computed keeps it, and a ReLU, on the host."""
    parameters = ["d" if index == computed else "w" for index in range(4)]
    norm, relu = op("b", kind, "y", *parameters), op("z", "relu", "b")
    found = classify(graph(CONV, norm, relu, shapes=SHAPES))
    assert verdicts(found) == [MAPPED, HOST, HOST]
    assert found.checks[1].reason == "its parameters are computed from the input"
    constant = classify(graph(CONV, op("b", kind, "y", *"wwww"), relu, shapes=SHAPES))
    assert verdicts(constant) == [MAPPED, FOLDED, FOLDED]


def test_batch_norm_with_the_statistics_of_its_input_is_the_hosts():
    """Without running statistics it is no training mode that somebody forgot."""
    norm = op("b", "batch_norm", "y", "w", "w", None, None, training=True)
    assert verdicts(classify(graph(CONV, norm, shapes=SHAPES))) == [MAPPED, HOST]


@pytest.mark.parametrize(
    ("shape", "is_bias"), [((4,), True), ((1, 4), True), ((), True), ((5, 4), False)]
)
def test_addend_that_differs_from_row_to_row_is_no_bias(shape, is_bias):
    """A constant addend is a bias only if it is the same for all rows."""
    shapes = {"x": (5, 8), "w": (8, 4), "wb": shape, "y": (5, 4)}
    found = classify(graph(op("y", "addmm", "wb", "x", "w"), shapes=shapes))
    assert verdicts(found) == ([MAPPED] if is_bias else [MAPPED, HOST])


@pytest.mark.parametrize(
    ("scales", "addend", "expected"),
    [
        ({"alpha": 0.5}, "wb", [MAPPED]),
        ({"beta": 2}, "wb", [MAPPED]),
        ({"beta": 2}, "d", [MAPPED, HOST]),
        ({"beta": 0}, "d", [MAPPED]),
        ({"alpha": Reference("d")}, "wb", [HOST]),
        ({"beta": "s0"}, "wb", [HOST]),
    ],
)
def test_alpha_and_beta(scales, addend, expected):
    """Numbers go into weights and bias; a beta of 0 drops the addend; others are computed."""
    shapes = {"x": (5, 8), "w": (8, 4), "wb": (4,), "y": (5, 4)}
    product = op("y", "addmm", addend, "x", "w", **scales)
    found = classify(graph(product, shapes=shapes))
    assert verdicts(found) == expected
    if expected[0] is MAPPED:
        assert "alpha and beta go into weights and bias" in found.checks[0].reason


def test_limits_of_a_clamp_that_are_computed_stay():
    """A limit that is a tensor is not that of ReLU."""
    clamp = op("z", "clamp", "y", min=0, max=Reference("d"))
    assert verdicts(classify(graph(CONV, clamp, shapes=SHAPES))) == [MAPPED, HOST]


def test_second_result_of_a_batch_norm_is_not_the_layers():
    """`getitem` passes a layer on only where it takes the first result."""
    norm = op("b", "_native_batch_norm_legit_no_training", "y", *"wwww")
    for index, last in ((0, FOLDED), (1, HOST)):
        pick = TracedOperator(
            name="g",
            kind="getitem",
            arguments={"argument0": Reference("b"), "argument1": index},
            outputs=("g",),
        )
        found = classify(graph(CONV, norm, pick, op("z", "relu", "g"), shapes=SHAPES))
        assert verdicts(found) == [MAPPED, FOLDED, FOLDED, last]


def test_random_numbers_are_no_constants():
    """Whatever they read: a bias that is drawn is computed."""
    drawn = op("d", "rand_like", "w")
    found = classify(graph(drawn, op("y", "conv2d", "x", "w", "d"), shapes=SHAPES))
    assert verdicts(found) == [HOST, MAPPED, HOST]


def test_constant_that_is_written_to_is_none():
    """Zeros into which an activation is copied are no weights, under whatever name."""
    zeros = TracedOperator(name="o", kind="zeros", arguments={"size": [4, 8, 3, 3]}, outputs=("o",))
    part = op("p", "slice", "o")
    copy = TracedOperator(
        name="c",
        kind="copy",
        arguments={"self": Reference("p"), "src": Reference("x")},
        outputs=("c",),
        in_place=True,
    )
    shapes = SHAPES | {"o": (4, 8, 3, 3)}
    convolution = op("y", "conv2d", "x", "o")
    assert verdicts(classify(graph(zeros, part, convolution, shapes=shapes)))[-1] is MAPPED
    assert verdicts(classify(graph(zeros, part, copy, convolution, shapes=shapes)))[-1] is HOST


# What is left to the host, and what that costs -----------------------------------------------


@pytest.mark.parametrize(
    ("operator", "shapes", "macs"),
    [
        (op("y", "selu", "x"), {}, 0),
        (op("y", "mylib.fft", "x"), {}, "unknown"),
        (op("y", "fft_rfft2", "x"), {}, "unknown"),
        (op("y", "linalg_vector_norm", "x"), {}, 0),
        (op("y", "conv2d", "x", "d"), {"d": (4, 8, 3, 3)}, 4 * 4 * 4 * 8 * 9),
        (op("y", "matmul", "x", "d"), {"x": (2, 5, 8), "d": (2, 8, 3), "y": (2, 5, 3)}, 240),
        (op("y", "baddbmm", "d", "x", "e"),
         {"x": (2, 5, 8), "e": (2, 8, 3), "y": (2, 5, 3)}, 240),
        (op("y", "bmm", "x", "d"), {"x": (2, -1, 8), "d": (2, 8, 3), "y": (2, -1, 3)}, "unknown"),
        (op("y", "scaled_dot_product_attention", "q", "k", "v"),
         {"q": (2, 5, 8), "k": (2, 7, 8), "v": (2, 7, 3)}, 2 * 5 * 7 * (8 + 3)),
        (TracedOperator(name="y", kind="einsum", outputs=("y",), arguments={
            "equation": "bij, bjk -> bik", "tensors": [Reference("x"), Reference("d")]}),
         {"x": (2, 5, 8), "d": (2, 8, 3)}, 240),
    ],
)  # fmt: skip
def test_host_operator_says_what_is_not_covered(operator, shapes, macs):
    """Products of activations by their sizes; no product has none; other libraries' are unknown."""
    (check,) = classify(graph(operator, shapes=SHAPES | shapes)).checks
    assert (check.verdict, check.macs_not_covered) == (HOST, macs)
    assert ("not covered" in check.reason) == (macs != 0)


def test_any_operator_can_be_forced_to_the_host():
    """One that is mapped, and one that is unsupported: with what it costs there."""
    relu = op("z", "relu", "y")
    found = classify(graph(CONV, relu, shapes=SHAPES), host=["conv2d"])
    assert verdicts(found) == [HOST, HOST]
    assert found.checks[0].macs_not_covered == 4 * 4 * 4 * 8 * 9
    shapes = {"x": (1, 8, 6, 6, 6), "w": (4, 8, 3, 3, 3), "y": (1, 4, 4, 4, 4)}
    (check,) = classify(graph(op("y", "conv3d", "x", "w"), shapes=shapes), host=["conv3d"]).checks
    assert (check.verdict, check.macs_not_covered) == (HOST, 4 * 4**3 * 8 * 27)


@pytest.mark.parametrize(
    "kind", ["_assert_tensor_metadata", "_assert_scalar", "sym_size", "sym_constrain_range"]
)
def test_what_computes_nothing_is_folded(kind):
    """Assertions and sizes."""
    assert verdicts(classify(graph(op("a", kind, "x"), shapes=SHAPES))) == [FOLDED]


@pytest.mark.parametrize(
    ("cast", "verdict"),
    [
        (op("c", "to", "y", dtype="torch.float16"), FOLDED),
        (op("c", "_to_copy", "y", dtype="torch.float32"), FOLDED),
        (op("c", "_to_copy", "y", device="cpu"), FOLDED),
        (op("c", "float", "y"), FOLDED),
        (op("c", "to", "y", dtype="torch.int32"), HOST),
        (op("c", "to", "y", "x"), HOST),
        (op("c", "type_as", "y", "x"), HOST),
    ],
)
def test_casts(cast, verdict):
    """To floating point they change the number format only, and a ReLU may follow; others round."""
    found = classify(graph(CONV, cast, op("z", "relu", "c"), shapes=SHAPES))
    assert verdicts(found) == [MAPPED, verdict, verdict]


# Products ------------------------------------------------------------------------------------


def expanded(name, source):
    return TracedOperator(
        name=name, kind="expand", arguments={"self": Reference(source)}, outputs=(name,)
    )


def test_expanded_weights_are_one_matrix():
    """A `bmm` of weights that are repeated over the batch is a linear layer on all rows."""
    shapes = {"x": (3, 5, 8), "w": (8, 4), "e": (3, 8, 4), "v": (3, 8, 4), "y": (3, 5, 4)}
    operators = expanded("e", "w"), op("v", "view", "e"), op("y", "bmm", "x", "v")
    (layer,) = classify(graph(*operators, shapes=shapes)).layers
    assert (layer.K, layer.C, layer.P, layer.groups) == (4, 8, 15, 1)


def test_a_graph_that_names_its_results_after_its_inputs_ends():
    """A file may say anything: no tensor is followed for ever, no product divided by nothing."""
    shapes = {"x": (2, 5, 8), "w": (2, 8, 4), "y": (2, 5, 4)}
    loop = TracedOperator(name="w", kind="view", arguments={"self": Reference("w")}, outputs=("w",))
    assert verdicts(classify(graph(loop, op("y", "bmm", "x", "w"), shapes=shapes)))[-1] is MAPPED
    for changes in ({"w": (8, 0)}, {"x": (10**18, 8), "w": (8, 4), "y": (10**18, 4)}):
        (check,) = classify(graph(op("y", "mm", "x", "w"), shapes=shapes | changes)).checks
        assert check.verdict is UNSUPPORTED


def test_weights_that_differ_over_the_batch_are_groups():
    """Each matrix of them has rows of its own."""
    shapes = {"x": (3, 5, 8), "w": (3, 8, 4), "y": (3, 5, 4)}
    (layer,) = classify(graph(op("y", "bmm", "x", "w"), shapes=shapes)).layers
    assert (layer.K, layer.C, layer.P, layer.groups) == (4, 8, 5, 3)
    assert layer.num_macs == 3 * 5 * 8 * 4


def test_weights_may_be_the_first_factor():
    """A product of weights with an activation (mixing of tokens): rows are its columns."""
    shapes = {"x": (1, 8, 5), "w": (4, 8), "y": (1, 4, 5)}
    norm = op("z", "batch_norm", "y")
    found = classify(graph(op("y", "matmul", "w", "x"), norm, shapes=shapes))
    assert verdicts(found) == [MAPPED, FOLDED]
    assert (found.layers[0].K, found.layers[0].C, found.layers[0].P) == (4, 8, 5)


def test_many_rows_are_an_image():
    """More rows than a loop counts are split over P and Q."""
    shapes = {"x": (70000, 8), "w": (4, 8), "y": (70000, 4)}
    (layer,) = classify(graph(op("y", "linear", "x", "w"), shapes=shapes)).layers
    assert layer.P * layer.Q == 70000
    assert (layer.height, layer.width) == (layer.P, layer.Q)
