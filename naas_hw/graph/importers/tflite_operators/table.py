"""What each operator of a TFLite file becomes.

A handler reads its inputs as real numbers, appends operators of the kinds of
`naas_hw.graph.operators`, and says which of them is the output.
"""

from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.tflite_graph import TfliteGraph
from naas_hw.graph.importers.tflite_operators.elementwise import (
    append_cast,
    append_prelu,
    append_quantize,
    append_square,
    elementwise_handler,
    softmax_handler,
    unary_handler,
)
from naas_hw.graph.importers.tflite_operators.handler import Handler, sum_name
from naas_hw.graph.importers.tflite_operators.layout import (
    append_concatenation,
    append_gather,
    append_pack,
    append_pad,
    append_reshape,
    append_transpose,
    block_handler,
)
from naas_hw.graph.importers.tflite_operators.parts import (
    append_slice,
    append_split,
    append_split_by_sizes,
    append_strided_slice,
)
from naas_hw.graph.importers.tflite_operators.pooling import (
    append_argmax,
    pool_handler,
    reduction_handler,
    resize_handler,
)
from naas_hw.graph.importers.tflite_operators.products import (
    append_convolution,
    append_depthwise,
    append_linear,
    append_matmul,
    append_transposed_convolution,
)
from naas_hw.graph.importers.tflite_tables import TfliteOperator


def append_operator(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """What `operator` of the file is, in operators of a `Graph`.

    Raises
    ------
    InputError : an input or an option is missing or wrong.
    """
    handler = HANDLERS.get(operator.kind, _append_unknown)
    needed = 1 if handler is _append_unknown else _NUM_INPUTS.get(operator.kind, 1)
    if len(operator.inputs) < needed or min(operator.inputs[:needed], default=0) < 0:
        raise InputError(
            f"{operator.name} of {graph.file} must have {needed} inputs, not {len(operator.inputs)}"
        )
    if not operator.outputs:
        raise InputError(f"{operator.name} of {graph.file} must have an output")
    handler(graph, operator)


def _append_unknown(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """An operator that no kind says, under its own name and with its own order of axes."""
    inputs = tuple(
        graph.in_file_order(graph.real(number), graph.tensor(number).shape) if number >= 0 else ""
        for number in operator.inputs
    )
    for number in operator.outputs:
        shape = graph.tensor(number).shape
        real = graph.emit(
            operator.kind.lower(), inputs, shape, sum_name(graph, number), {}, operator.kind
        )
        graph.finish(number, graph.in_graph_order(real, shape), operator.kind)


HANDLERS: Final[dict[str, Handler]] = {
    "CONV_2D": append_convolution,
    "DEPTHWISE_CONV_2D": append_depthwise,
    "TRANSPOSE_CONV": append_transposed_convolution,
    "FULLY_CONNECTED": append_linear,
    "AVERAGE_POOL_2D": pool_handler("average_pool"),
    "MAX_POOL_2D": pool_handler("max_pool"),
    "LOGISTIC": unary_handler("sigmoid"),
    "TANH": unary_handler("tanh"),
    "HARD_SWISH": unary_handler("hard_swish"),
    "RELU": unary_handler("clamp", minimum=0.0, maximum=None),
    "RELU6": unary_handler("clamp", minimum=0.0, maximum=6.0),
    "RELU_N1_TO_1": unary_handler("clamp", minimum=-1.0, maximum=1.0),
    "RELU_0_TO_1": unary_handler("clamp", minimum=0.0, maximum=1.0),
    "LEAKY_RELU": unary_handler("leaky_relu"),
    "ELU": unary_handler("elu", alpha=1.0),
    "GELU": unary_handler("gelu"),
    "EXP": unary_handler("exp"),
    "LOG": unary_handler("log"),
    "SQRT": unary_handler("sqrt"),
    "ABS": unary_handler("absolute"),
    "NEG": unary_handler("negate"),
    "PRELU": append_prelu,
    "ADD": elementwise_handler("add"),
    "SUB": elementwise_handler("subtract"),
    "MUL": elementwise_handler("multiply"),
    "DIV": elementwise_handler("divide"),
    "MINIMUM": elementwise_handler("minimum"),
    "MAXIMUM": elementwise_handler("maximum"),
    "POW": elementwise_handler("power"),
    "MEAN": reduction_handler("reduce_mean"),
    "SUM": reduction_handler("reduce_sum"),
    "REDUCE_MAX": reduction_handler("reduce_max"),
    "ARG_MAX": append_argmax,
    "CONCATENATION": append_concatenation,
    "PACK": append_pack,
    "SQUARE": append_square,
    "PAD": append_pad,
    "PADV2": append_pad,
    "MIRROR_PAD": append_pad,
    "RESHAPE": append_reshape,
    "SQUEEZE": append_reshape,
    "EXPAND_DIMS": append_reshape,
    "TRANSPOSE": append_transpose,
    "SOFTMAX": softmax_handler("softmax"),
    "LOG_SOFTMAX": softmax_handler("log_softmax"),
    "RESIZE_NEAREST_NEIGHBOR": resize_handler("nearest"),
    "RESIZE_BILINEAR": resize_handler("linear"),
    "DEPTH_TO_SPACE": block_handler("depth_to_space"),
    "SPACE_TO_DEPTH": block_handler("space_to_depth"),
    "SLICE": append_slice,
    "STRIDED_SLICE": append_strided_slice,
    "SPLIT": append_split,
    "SPLIT_V": append_split_by_sizes,
    "QUANTIZE": append_quantize,
    "DEQUANTIZE": append_quantize,
    "BATCH_MATMUL": append_matmul,
    "GATHER": append_gather,
    "CAST": append_cast,
}
"""Kind of the file -> what appends it."""

_NUM_INPUTS: Final = {
    kind: 2
    for kind, handler in HANDLERS.items()
    if handler
    in (
        append_convolution,
        append_depthwise,
        append_linear,
        append_pad,
        append_prelu,
        append_transpose,
        append_split,
        append_matmul,
    )
    or kind in "ADD SUB MUL DIV MINIMUM MAXIMUM POW".split()
} | {"TRANSPOSE_CONV": 3, "SLICE": 3, "STRIDED_SLICE": 4, "SPLIT_V": 3}
"""Inputs that a kind cannot do without; the others need one."""
