"""Small float graphs for tests of quantisation, and images for them."""

import numpy as np

from naas_hw.graph.graph import Array, Attribute, Graph
from naas_hw.graph.importers.builder import GraphBuilder

FLOAT = np.dtype(np.float32)


class NetworkBuilder(GraphBuilder):
    """Layers with random weights, one after the other."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.random = np.random.default_rng(seed)

    def normal(self, name: str, *shape: int, scale: float = 1.0) -> str:
        values = self.random.standard_normal(shape).astype(np.float32) * np.float32(scale)
        return self.add_constant(name, values)

    def image(self, *shape: int) -> str:
        self.add_input("x", shape, FLOAT)
        return "x"

    def conv(
        self, x: str, outputs: int, kernel: int = 3, groups: int = 1, bias: bool = True
    ) -> str:
        channels = self.shape(x)[1] // groups
        name = f"conv{len(self.operators)}"
        fan_in = channels * kernel**2
        constants = [
            self.normal(f"{name}.w", outputs, channels, kernel, kernel, scale=fan_in**-0.5)
        ]
        if bias:
            constants.append(self.normal(f"{name}.b", outputs, scale=0.1))
        pad = kernel // 2
        attributes: dict[str, Attribute] = {
            "stride": (1, 1),
            "padding": (pad, pad, pad, pad),
            "dilation": (1, 1),
            "groups": groups,
        }
        return self.add("conv", [x, *constants], attributes, name=name, source="test")

    def one(self, kind: str, *inputs: str, **attributes) -> str:
        return self.add(
            kind, inputs, attributes, name=f"{kind}{len(self.operators)}", source="test"
        )

    def relu(self, x: str, top: float | None = None) -> str:
        return self.one("clamp", x, minimum=0.0, maximum=top)

    def graph(self, *outputs: str) -> Graph:
        return self.finished("net", ["x"], outputs)


def images(shape: tuple[int, ...], count: int = 8, seed: int = 1) -> list[dict[str, Array]]:
    random = np.random.default_rng(seed)
    return [{"x": random.standard_normal(shape).astype(np.float32)} for _ in range(count)]


def residual_network() -> Graph:
    """Depthwise, addition, table, concatenation, pools and a linear layer."""
    build = NetworkBuilder()
    a = build.relu(build.conv(build.image(1, 3, 8, 8), 8), 6.0)
    b = build.one("hard_swish", build.conv(a, 8, groups=8))
    c = build.relu(build.one("add", a, build.conv(b, 8, 1)))
    pool = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0, 0, 0)}
    d = build.one("concat", c, b, axis=1)
    e = build.one("max_pool", d, dilation=(1, 1), **pool)
    f = build.one("reduce_mean", build.relu(build.conv(e, 12)), axes=(2, 3), keepdims=False)
    w, bias = build.normal("fc.w", 5, 12, scale=0.3), build.normal("fc.b", 5)
    return build.graph(build.add("linear", [f, w, bias], name="fc", source="test"))
