"""The built-in networks without torch: the shipped structure, and seeded values in range."""

from importlib.resources import files

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.importers.structure import (
    shipped_resolutions,
    structure_as_json,
    trace_structure,
)
from naas_hw.workload.models import BUILTINS

SHIPPED = [(name, size) for name in BUILTINS for size in shipped_resolutions(name)]


@pytest.mark.needs("torch")
@pytest.mark.parametrize(("name", "resolution"), SHIPPED)
def test_the_shipped_structure_is_that_of_the_module(name: str, resolution: int) -> None:
    shipped = (files("naas_hw.graph") / "data" / f"{name}-{resolution}.json").read_text("utf-8")
    assert structure_as_json(trace_structure(name, resolution)) == shipped


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_0"])
def test_activations_stay_in_range(name: str) -> None:
    graph = read_graph(name)
    image = np.random.default_rng(7).standard_normal((1, 3, 224, 224), np.float32)
    tensors = run_floats(graph, {graph.inputs[0]: image})
    deviations = [float(x.std()) for x in tensors.values() if x.ndim == 4]
    assert min(deviations) > 0.1 and max(deviations) < 10
    assert tensors[graph.outputs[0]].shape == (1, 1000)


def test_the_same_seed_gives_the_same_values() -> None:
    first, second = (read_graph("squeezenet1_0", name="net") for _ in range(2))
    assert first.name == "net"
    for name, tensor in first.tensors.items():
        if tensor.values is not None:
            assert np.array_equal(tensor.values, second.tensors[name].values)  # type: ignore[arg-type]
    weights = first.constant(first.operators[0].inputs[1])
    assert weights is not None and weights.std() == pytest.approx((2 / 147) ** 0.5, rel=0.02)


@pytest.mark.needs("torch")
def test_other_resolutions_come_from_the_module() -> None:
    graph = read_graph("mobilenet_v2", input_shapes={"images": (1, 3, 32, 32)})
    assert graph.tensors[graph.inputs[0]].shape == (1, 3, 32, 32)


@pytest.mark.parametrize("shape", [(1, 3, 32, 48), (3, 32, 32), (1, 1, 32, 32), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="must be one square image 1x3xNxN"):
        read_graph("mobilenet_v2", input_shapes={"images": shape})


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(InputError, match="model must be a file .onnx, .tflite or .pt2, one of vgg"):
        read_graph("alexnet")
