"""Models with their values: what the host keeps of known networks."""

from collections import Counter
from pathlib import Path

import pytest
from trained_models import NAMES, model_path

from naas_hw.api.models import find_model

SMALL = (1, 3, 64, 64)


def host_kinds(source: str | Path, input_shape: tuple[int, ...] | None = None) -> Counter[str]:
    """How many operators of each kind the host computes."""
    lowered = find_model(source, input_shape=input_shape).lowered(beat_bytes=8)
    return Counter(
        getattr(call.operator, "kind", type(call.operator).__name__) for call in lowered.host_calls
    )


@pytest.mark.parametrize("name", NAMES)
def test_of_a_trained_model_the_host_computes_softmax_only(name: str) -> None:
    assert host_kinds(model_path(name)) <= Counter(softmax=1)


@pytest.mark.slow
@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "squeezenet1_0", "mnasnet1_0", "resnet50", "vgg16"]
)
def test_of_a_network_of_the_paper_the_host_computes_nothing(name: str) -> None:
    assert not host_kinds(name, SMALL)


@pytest.mark.slow
def test_of_unet_the_host_computes_nothing() -> None:
    assert not host_kinds("unet")
