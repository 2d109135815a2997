"""Operators that no layer computes, so that the host does."""

from naas_hw.graph.quantised import HostFunction
from naas_hw.graph.random_graph.growing import GrowingGraph


def add_host_function(graph: GrowingGraph) -> None:
    """A softmax over the channels."""
    source = graph.draw_tensor()
    shape = graph.tensors[source].graph_shape
    graph.add(
        lambda name, output: HostFunction(
            name=name,
            inputs=(source,),
            output=output,
            kind="softmax",
            input_shapes=(shape,),
            output_shape=shape,
            attributes={"axis": 1},
        ),
        graph.shape_of(source),
        (1 / 256, -128),
    )
