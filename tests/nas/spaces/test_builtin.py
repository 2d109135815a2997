"""The built-in spaces: sizes as published, networks as the importer reads them from torch."""

import numpy as np
import pytest

from naas_hw.core import torch_extra
from naas_hw.core.errors import InputError, ToolError
from naas_hw.nas.spaces.builtin import (
    BUILTIN_SPACES,
    DIGITS,
    ELASTIC_MOBILENET,
    OFA_RESNET50,
    load_builtin_space,
)
from naas_hw.nas.spaces.resnet import ResNetSpace
from naas_hw.nas.spaces.space import TrainableSpace
from naas_hw.workload.frontends.importer import import_network

SEED = 11
FAMILIES = {family.name: family for family in (OFA_RESNET50, ELASTIC_MOBILENET, DIGITS)}


def assert_imports_alike(name: str, encodings) -> None:
    """The networks of encodings are what the importer makes of their modules."""
    import torch

    space = load_builtin_space(name)
    for encoding in encodings:
        with torch.device("meta"):
            module = space.module(encoding)
        size = space.resolution(encoding)
        shape = (1, FAMILIES[name].image_channels, size, size)
        assert space.network(encoding) == import_network(module, name=name, input_shape=shape)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", BUILTIN_SPACES)
def test_a_network_is_what_the_importer_makes_of_its_module(name):
    """Layers, names, host operators and parameters, of two drawn at random."""
    assert_imports_alike(name, load_builtin_space(name).sample(np.random.default_rng(SEED), 2))


@pytest.mark.slow
@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", BUILTIN_SPACES)
def test_many_networks_are_what_the_importer_makes_of_their_modules(name):
    """The largest, the smallest, and twenty drawn at random."""
    space: TrainableSpace = load_builtin_space(name)
    drawn = space.sample(np.random.default_rng(SEED + 1), 20)
    assert_imports_alike(name, [space.largest, space.smallest, *drawn])


def resnet50d() -> dict[str, float]:
    """The settings that give ResNet50-D: 3, 4, 6 and 3 blocks, a quarter as middle channels."""
    space = load_builtin_space("ofa-resnet50")
    assert isinstance(space, ResNetSpace)
    settings = {gene.name: 1.0 for gene in space.genome.genes if "width" in gene.name}
    settings |= {f"block{index}.expand": 0.25 for index in range(18)}
    settings |= {f"stage{stage}.depth": extra for stage, extra in enumerate((1, 2, 2, 1))}
    return settings | {"resolution": 224, "stem.depth": 1}


def test_ofa_resnet50_holds_resnet50d():
    """ResNet50's published 25,557,032 parameters, its 7x7 stem replaced by three 3x3."""
    space = load_builtin_space("ofa-resnet50")
    network = space.network(space.encode(resnet50d()))
    stem = 7 * 7 * 3 * 64 + 2 * 64
    deep_stem = 9 * (3 * 32 + 32 * 32 + 32 * 64) + 2 * (32 + 32 + 64)
    assert network.num_parameters == 25_557_032 - stem + deep_stem


def test_ofa_resnet50_has_the_paper_s_size():
    """At most 18 blocks of 3 convolutions; about 10^13 networks.

    A stage of base depth b has 3^b (1 + 3 + 9) settings of its blocks; 9 resolutions, 2 stems,
    3 widths of 6 parts.
    """
    space = load_builtin_space("ofa-resnet50")
    assert isinstance(space, ResNetSpace)
    assert sum(space.family.max_depth(stage) for stage in range(4)) == 18
    blocks = 1
    for base in (2, 2, 4, 2):
        blocks *= 3**base * (1 + 3 + 9)
    assert space.genome.num_encodings == 9 * 2 * 3**6 * blocks
    assert round(np.log10(space.genome.num_encodings)) == 13


def test_elastic_mobilenet_holds_mobilenet_v2_s_stages():
    """Their widths are those of the largest network."""
    space = load_builtin_space("elastic-mobilenet")
    assert isinstance(space, TrainableSpace)
    projections = [
        layer.K
        for layer in space.network(space.largest).layers
        if layer.name.endswith("project.conv")
    ]
    assert [16] + sorted(set(projections[1:])) == [16, 24, 32, 64, 96, 160, 320]


def test_unknown_space():
    """The sentence lists what there is."""
    with pytest.raises(InputError) as caught:
        load_builtin_space("darts")
    assert str(caught.value) == (
        "space must be one of ofa-resnet50, elastic-mobilenet, digits or module:object, not 'darts'"
    )


def test_without_torch_networks_come_and_modules_do_not(monkeypatch):
    """The error says what to install."""
    monkeypatch.setattr(torch_extra, "find_spec", lambda _name: None)
    space = load_builtin_space("digits")
    assert space.network(space.largest).num_macs > 0
    with pytest.raises(ToolError) as caught:
        space.module(space.largest)
    assert str(caught.value) == (
        "torch must be installed to build a network of digits: pip install 'naas_hw[torch]'"
    )
