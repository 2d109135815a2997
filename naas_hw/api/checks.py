"""`check` of a model with its values: a verdict on every operator of the file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from naas_hw.api.models import quickly_quantised
from naas_hw.compiler.account import Stages, account
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.lowering.values import LoweredNetwork
from naas_hw.graph.float_execution import KERNELS
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Graph, Operator
from naas_hw.graph.importers.contents import read_contents
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.quantise.places import int8_tensors
from naas_hw.workload.check import CheckReport

_BEAT_BYTES: Final = 8
_DRAWN: Final = "The model was quantised on numbers drawn at random, to see what becomes of it."


def check_values(path: Path, *, input_shape: tuple[int, ...] | None = None) -> CheckReport:
    """Verdicts on all operators of an ONNX or TFLite file, with all optional hardware.

    Operators that nothing computes do not stop it: what is around them is checked as a model of
    its own.

    Parameters
    ----------
    input_shape : of its one input, where the file leaves it open or it shall be another.

    Raises
    ------
    InputError : the file cannot be read, or it says what no such model may say.
    """
    graph = read_graph(path, input_shapes=None if input_shape is None else {"": input_shape})
    contents = read_contents(path)
    unknown = [one for one in graph.operators if one.kind not in KERNELS]
    known = without(graph, unknown)
    notes = graph.notes
    lowered: Sequence[LoweredNetwork] = ()
    host, smaller = "", folded(graph if known is None else known)
    if known is not None:
        is_quantised = any(one.kind == "quantize" for one in graph.operators)
        if not is_quantised and not int8_tensors(smaller):
            host = "no operator of the model can be a layer"
        else:
            if not is_quantised:
                known, notes = quickly_quantised(known), (*notes, _DRAWN)
            lowered = [lower(quantised_graph(folded(known)), beat_bytes=_BEAT_BYTES)]
    return account(
        Stages(
            contents=contents,
            graph=graph,
            folded=smaller,
            lowered=lowered,
            unsupported={
                one.name: f"nothing here computes {one.source or one.kind}" for one in unknown
            },
            host=host,
        ),
        notes,
    )


def without(graph: Graph, removed: Sequence[Operator]) -> Graph | None:
    """The rest of a model: what `removed` made becomes inputs, what they read becomes outputs.

    None where nothing is left that depends on an input.
    """
    if not removed:
        return graph
    names = {one.name for one in removed}
    left = tuple(one for one in graph.operators if one.name not in names)
    made = [name for one in removed for name in one.outputs]
    inputs = tuple(dict.fromkeys((*graph.inputs, *made)))
    computed = {name for one in left for name in one.outputs}
    wanted = (*graph.outputs, *(name for one in removed for name in one.inputs))
    outputs = tuple(dict.fromkeys(name for name in wanted if name in computed))
    if not outputs:
        return None
    return replace(graph, operators=left, inputs=inputs, outputs=outputs)
