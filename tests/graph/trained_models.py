"""Trained models that nobody here wrote, as ONNX and TFLite files.

They lie in a folder beside a checkout, and are not a part of it.
"""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "models"
KNOWN = (
    "ad01_int8.tflite",
    "kws_ref_model.tflite",
    "micro_kws_fp32.onnx",
    "micro_kws_qdq.onnx",
    "micro_kws_qoperator.onnx",
    "onnx_mnist_cntk.onnx",
    "pretrainedResnet_quant.tflite",
    "vww_96_int8.tflite",
)
NAMES = sorted(
    {*KNOWN, *(path.name for kind in ("onnx", "tflite") for path in FOLDER.glob(f"*.{kind}"))}
)
"""The known ones, whether they are there or not, and all others that are there."""


def model_path(name: str) -> Path:
    """The file of a model; a test of a model that is not there is skipped."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"trained model {path} is missing")
    return path
