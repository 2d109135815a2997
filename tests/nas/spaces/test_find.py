"""One's own space, as `module:object`: genes and slots are all that it needs."""

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.nas.spaces.find import find_space

OWN = """
from naas_hw.nas.spaces.genes import Gene, Genome
from naas_hw.nas.spaces.shapes import convolution, linear
from naas_hw.nas.spaces.space import SlotSpace
from naas_hw.nas.spaces.table import Slot


def first(width):
    return convolution(width=int(width), channels=3, rows=8, kernel=3)


def last(width):
    return linear(width=10, channels=int(width))


space = SlotSpace(
    name="own",
    genome=Genome(genes=(Gene(name="width", choices=(4, 8)),)),
    slots=(
        Slot(name="first", operators=("conv2d", "relu"), genes=("width",), layer=first),
        Slot(name="pool", operators=("adaptive_avg_pool2d",)),
        Slot(name="last", operators=("linear",), genes=("width",), layer=last),
    ),
)
number = 3
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module with a space in it, in the working directory."""
    (tmp_path / "own_space.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)


def test_own_space(own_module):
    """Its networks, and their layers by number."""
    space = find_space("own_space:space")
    encodings = np.array([[0], [1]], dtype=np.uint8)
    counts = space.to_layers(encodings)
    assert counts.counts.tolist() == [[1, 1], [1, 1]]
    assert [
        [(layer.name, layer.K, layer.C) for layer in space.network(encoding).layers]
        for encoding in encodings
    ] == [[("first", width, 3), ("last", 10, width)] for width in (4, 8)]


def test_builtin_by_name():
    """Without a colon it is a built-in one."""
    assert find_space("digits").name == "digits"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:space", "no_such_module:space must be a module and an object in it: .*"),
        ("own_space:other", "own_space:other must be a module and an object in it: .*'other'"),
        (
            "own_space:number",
            "own_space:number must be a space of networks; int has no cross_over, .*",
        ),
        ("other", "space must be one of .* or module:object, not 'other'"),
    ],
)
def test_wrong_name(own_module, name, message):
    """One sentence."""
    with pytest.raises(InputError, match=f"^{message}$"):
        find_space(name)
