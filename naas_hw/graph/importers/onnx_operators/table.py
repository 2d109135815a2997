"""The table of all operators of ONNX that become something."""

from typing import Final

from naas_hw.graph.importers.onnx_operators import (
    constants,
    convolution,
    elementwise,
    layout,
    normalisation,
    pooling,
    quantised,
)
from naas_hw.graph.importers.onnx_operators.handler import Handler

HANDLERS: Final[dict[str, Handler]] = {
    **constants.HANDLERS,
    **convolution.HANDLERS,
    **elementwise.HANDLERS,
    **layout.HANDLERS,
    **normalisation.HANDLERS,
    **pooling.HANDLERS,
    **quantised.HANDLERS,
}
"""`op_type` of ONNX or com.microsoft -> what it becomes."""
