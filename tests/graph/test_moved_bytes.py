"""Chains of operators that move bytes, at random: exactly what the graph itself computes."""

from collections.abc import Callable

import numpy as np
import pytest
from quantised_models import QuantisedModel

from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.integer_form import quantised_graph

NUM_CHAINS = 120
MAX_NUMBERS = 4000


class Chain:
    """A model that grows by random operators at its end; every tensor is an image [1, C, H, W]."""

    def __init__(self, rng):
        self.rng = rng
        self.model = QuantisedModel()
        shape = (1, *(int(rng.choice(sizes)) for sizes in ((1, 4, 8), (1, 4, 6), (1, 4, 6))))
        self.end = self.model.input("x", shape)
        self.count = 0

    @property
    def shape(self):
        return self.model.tensors[self.end].shape

    def append(self, kind, shape, inputs=None, **attributes):
        if min(shape) < 1 or np.prod(shape) > MAX_NUMBERS:
            return
        self.count += 1
        self.end = self.model.append(
            kind, inputs or [self.end], f"t{self.count}", shape, **attributes
        )

    def quantise(self):
        if not self.end.endswith("_real"):
            self.end = self.model.quantised(self.end, 0.05, 3)


def transpose(chain):
    axes = (0, *(int(axis) for axis in chain.rng.permutation((1, 2, 3))))
    chain.append("transpose", tuple(chain.shape[axis] for axis in axes), axes=axes)


def reshape(chain):
    total = int(np.prod(chain.shape))
    pairs = [(c, w) for c in (1, 2, 3, 4) for w in (1, 2, 4) if total % (c * w) == 0]
    channels, columns = pairs[int(chain.rng.integers(len(pairs)))]
    chain.append("reshape", (1, channels, total // channels // columns, columns))


def crop(chain):
    _, c, h, w = chain.shape
    chain.append("slice", (1, c, h - 1, w), starts=(1,), ends=(h,), steps=(1,), axes=(2,))


def frame(chain):
    _, c, h, w = chain.shape
    top, left, bottom, right = (int(side) for side in chain.rng.integers(-1, 2, 4))
    chain.append(
        "pad",
        (1, c, h + top + bottom, w + left + right),
        padding=(0, 0, top, left, 0, 0, bottom, right),
        value=float(chain.rng.choice((0.0, -100.0))),
        mode="constant",
    )


def pool(chain):
    _, c, h, w = chain.shape
    chain.append(
        "max_pool", (1, c, h - 1, w - 1), kernel=(2, 2), stride=(1, 1), padding=(0, 0, 0, 0)
    )


def repeat(chain):
    _, c, h, w = chain.shape
    chain.append(
        "resize", (1, c, 2 * h, w), mode="nearest", coordinates="asymmetric", rounding="floor"
    )


def to_space(chain):
    _, c, h, w = chain.shape
    if c % 4 == 0:
        mode = str(chain.rng.choice(("DCR", "CRD")))
        chain.append("depth_to_space", (1, c // 4, 2 * h, 2 * w), block=2, mode=mode)


def to_depth(chain):
    _, c, h, w = chain.shape
    if h % 2 == 0 and w % 2 == 0:
        chain.append("space_to_depth", (1, 4 * c, h // 2, w // 2), block=2, mode="DCR")


def function(chain):
    chain.append("leaky_relu", chain.shape, alpha=0.1)
    chain.quantise()


def bound(chain):
    chain.append("clamp", chain.shape, minimum=-0.5, maximum=None)
    chain.quantise()


def join(chain):
    axis = int(chain.rng.integers(1, 4))
    shape = tuple(2 * size if i == axis else size for i, size in enumerate(chain.shape))
    chain.append("concat", shape, [chain.end, chain.end], axis=axis)


STEPS: tuple[Callable[[Chain], None], ...] = (
    transpose,
    reshape,
    crop,
    frame,
    pool,
    repeat,
    to_space,
    to_depth,
    function,
    bound,
    join,
    Chain.quantise,
)


@pytest.mark.parametrize("seed", range(NUM_CHAINS))
def test_a_random_chain(seed):
    rng = np.random.default_rng(seed)
    chain = Chain(rng)
    for step in rng.choice(len(STEPS), int(rng.integers(1, 8))):
        STEPS[step](chain)
    chain.append("identity", chain.shape)
    chain.quantise()
    if seed % 3 == 0:
        _, c, h, w = chain.shape
        chain.append("transpose", (1, h, w, c), axes=(0, 2, 3, 1))
    graph = chain.model.graph(chain.end)
    made = quantised_graph(folded(graph) if seed % 2 else graph)
    inputs = {"x": rng.normal(0, 3, graph.tensors["x"].shape).astype(np.float32)}
    got = model_values(made.tensors[chain.end], run_integers(made, inputs)[chain.end])
    assert np.array_equal(got, run_floats(graph, inputs)[chain.end])
