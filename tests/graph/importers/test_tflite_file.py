"""TFLite files become graphs; what is no whole file is refused in a sentence."""

import numpy as np
import pytest
from trained_models import model_path

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.tflite_file import read_tflite, tflite_graph

NAMES = "kws_ref_model vww_96_int8 pretrainedResnet_quant ad01_int8".split()


def content_of(name: str) -> bytes:
    return model_path(f"{name}.tflite").read_bytes()


@pytest.mark.parametrize(
    ("name", "macs"),
    # The operations that MLPerf Tiny's models are known for, in multiply-accumulates.
    [("kws_ref_model", 2.7e6), ("vww_96_int8", 7.5e6), ("ad01_int8", 0.26e6)],
)
def test_all_weights_are_read(name, macs):
    graph = tflite_graph(content_of(name), f"{name}.tflite", name)
    total = 0
    for operator in graph.operators:
        if operator.kind in ("conv", "linear"):
            weights = graph.tensors[operator.inputs[1]].shape
            rows_and_columns = graph.tensors[operator.outputs[0]].shape[2:]
            total += int(np.prod(weights) * np.prod(rows_and_columns))
    assert total == pytest.approx(macs, rel=0.05)


def test_an_image_is_transposed_at_its_door_only():
    graph = tflite_graph(content_of("vww_96_int8"), "vww.tflite", "vww")
    assert graph.tensors[graph.inputs[0]].shape == (1, 96, 96, 3)
    moved = [operator for operator in graph.operators if operator.kind == "transpose"]
    assert [graph.tensors[operator.outputs[0]].shape for operator in moved] == [
        (1, 3, 96, 96),
        (1, 1, 1, 256),  # before the flatten, in the file's order
    ]


def test_init_wrong_start():
    with pytest.raises(InputError, match="a.tflite is not a TFLite file: its file ident"):
        tflite_graph(b"\x08\x03\x00\x00ONNX", "a.tflite", "a")


def test_init_wrong_path(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_tflite(tmp_path / "a.tflite")


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_init_wrong_truncated(share):
    content = content_of("kws_ref_model")
    with pytest.raises(InputError):
        tflite_graph(content[: max(8, int(share * len(content)))], "a.tflite", "a")


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_are_read_or_refused(seed):
    """No other exception than an InputError, and no endless reading."""
    content = bytearray(content_of("kws_ref_model"))
    rng = np.random.default_rng(seed)
    # Tables lie at the end of the file, weights before them.
    places = rng.integers(len(content) - 20_000, len(content), size=8)
    for place in places:
        content[place] = rng.integers(256)
    try:
        tflite_graph(bytes(content), "a.tflite", "a")
    except InputError as error:
        assert "\n" not in str(error)
