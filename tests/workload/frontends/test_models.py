"""The paper's networks as torch modules: parameters as published, counted from their formulas."""

import pytest

from naas_hw.core import torch_extra
from naas_hw.core.errors import InputError, ToolError
from naas_hw.workload.models import BUILTINS, build_model

PUBLISHED = {
    "vgg16": 138_357_544,
    "resnet50": 25_557_032,
    "mobilenet_v2": 3_504_872,
    "squeezenet1_0": 1_248_424,
    "mnasnet1_0": 4_383_312,
}


def num_parameters(name: str) -> int:
    return sum(parameter.numel() for parameter in build_model(name, device="meta").parameters())


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones(name):
    """Exactly."""
    assert num_parameters(name) == PUBLISHED[name]


def unet_parameters() -> int:
    """3x3 pairs on the way down and up, 2x2 transposed ones between, a 1x1 at the end; biases."""
    widths = [64, 128, 256, 512, 1024]

    def pair(channels, width):
        return 9 * channels * width + width + 9 * width * width + width

    down = sum(pair(c, k) for c, k in zip([1, *widths], widths, strict=False))
    up = sum(4 * 2 * k * k + k + pair(2 * k, k) for k in widths[:-1])
    return down + up + 64 * 2 + 2


@pytest.mark.needs("torch")
def test_parameters_of_unet_follow_from_its_paper():
    """Derived from the figure in the paper; about 31.0 M."""
    assert num_parameters("unet") == unet_parameters()
    assert round(unet_parameters() / 1e6, 1) == 31.0


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", BUILTINS)
def test_output_shape(name):
    """1000 logits; U-Net's 388 x 388 map of two classes."""
    import torch

    images = torch.empty(BUILTINS[name].input_shape(), device="meta")
    expected = (1, 2, 388, 388) if name == "unet" else (1, 1000)
    assert build_model(name, device="meta")(images).shape == expected


def test_unknown_name():
    """The sentence lists what there is."""
    with pytest.raises(InputError, match="must be one of vgg16, .*, unet, not 'lenet'"):
        build_model("lenet")


def test_without_torch_the_error_says_what_to_install(monkeypatch):
    """Torch is an extra."""
    monkeypatch.setattr(torch_extra, "find_spec", lambda _name: None)
    with pytest.raises(ToolError) as caught:
        build_model("vgg16")
    assert str(caught.value) == (
        "torch must be installed to build vgg16: pip install 'naas_hw[torch]'"
    )
