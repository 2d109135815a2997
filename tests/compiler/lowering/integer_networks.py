"""Small networks in integers for the tests of lowering."""

import numpy as np

from naas_hw.graph.quantised import (
    Convolution,
    HostFunction,
    QuantisedGraph,
    QuantisedOperator,
    QuantisedTensor,
)
from naas_hw.workload.arithmetic.epilogue import Addition

ADDITION = Addition(main_multiplier=200, multiplier=-100, shift=8, zero_point=3)


def tensor(name: str, shape: tuple[int, int, int], zero_point: int = 3) -> QuantisedTensor:
    return QuantisedTensor(
        name=name, shape=shape, scale=0.1, zero_point=zero_point, graph_shape=(1, *shape)
    )


def network(
    shapes: dict[str, tuple[int, int, int]],
    *operators: QuantisedOperator,
    outputs: tuple[str, ...] | None = None,
) -> QuantisedGraph:
    """A network of these tensors; those that nothing makes are inputs."""
    made = [operator.output for operator in operators]
    read = {name for operator in operators for name in operator.inputs}
    return QuantisedGraph(
        name="net",
        operators=operators,
        tensors={name: tensor(name, shape) for name, shape in shapes.items()},
        inputs=tuple(name for name in shapes if name not in made),
        outputs=outputs or tuple(name for name in made if name not in read),
    )


def convolution(
    source: str, output: str, shape: tuple[int, int, int, int], *, seed: int = 0, **fields
) -> Convolution:
    """A convolution with weights [K, C / groups, R, S] at random; its name is its output's."""
    rng = np.random.default_rng(seed)
    return Convolution(
        name=f"conv_{output}",
        inputs=(source,),
        output=output,
        weights=rng.integers(-128, 128, size=shape, dtype=np.int8),
        bias=rng.integers(-900, 900, size=shape[0], dtype=np.int32),
        multiplier=np.full(shape[0], 3 << 29, np.int32),
        shift=np.full(shape[0], 8, np.int32),
        **fields,
    )


def host_function(source: str, output: str, kind: str, **attributes: int) -> HostFunction:
    """An operator of the host on [1, 4, 3, 3]; its name is its output's."""
    return HostFunction(
        name=f"host_{output}",
        inputs=(source,),
        output=output,
        kind=kind,
        attributes=attributes,
        input_shapes=((1, 4, 3, 3),),
        output_shape=(1, 4, 3, 3),
    )
