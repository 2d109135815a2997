"""A small network of convolutions and a softmax as a search of its model would leave it behind."""

from pathlib import Path

import numpy as np
import onnx
from driver_programs import SMALL
from onnx import TensorProto, helper, numpy_helper
from plain_mappings import one_tile

from naas_hw.api.models import MODEL_FILE, find_model
from naas_hw.arch.files import write_accelerator
from naas_hw.mapping.files import write_mappings
from naas_hw.workload.files import write_network

SHAPE = (1, 3, 4, 4)


def float_model() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    weights = {"w": (4, 3, 1, 1), "v": (5, 4, 2, 2)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "v"], ["c"]),
        helper.make_node("Softmax", ["c"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 5, 3, 3))],
        [
            numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)
            for name, shape in weights.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def write_run(folder: Path) -> Path:
    """Fill a folder with the design, a mapping, and the model."""
    onnx.save(float_model(), folder / "float.onnx")
    model = find_model(folder / "float.onnx")
    network = model.network(SMALL.beat_bytes, SMALL.options)
    mappings = {layer.name: one_tile(layer) for layer in network.layers}
    write_accelerator(SMALL, folder / "accelerator.yaml")
    write_network(network, folder / "network.yaml")
    write_mappings(mappings, folder / "mapping.yaml")
    (folder / MODEL_FILE).write_bytes(model.file)
    return folder
