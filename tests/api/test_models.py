"""Models with their values: what the host keeps of known networks."""

from collections import Counter
from pathlib import Path

import pytest

from naas_hw.api.models import find_model

MODELS = Path(__file__).parents[3] / "shared" / "models"
FILES = [*sorted(MODELS.glob("*.onnx")), *sorted(MODELS.glob("*.tflite"))]
SMALL = (1, 3, 64, 64)


def host_kinds(source: str | Path, input_shape: tuple[int, ...] | None = None) -> Counter[str]:
    """How many operators of each kind the host computes."""
    lowered = find_model(source, input_shape=input_shape).lowered(beat_bytes=8)
    return Counter(
        getattr(call.operator, "kind", type(call.operator).__name__) for call in lowered.host_calls
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_of_a_shared_model_the_host_computes_softmax_only(path: Path) -> None:
    assert host_kinds(path) <= Counter(softmax=1)


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
