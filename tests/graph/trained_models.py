"""Trained models that nobody here wrote, as ONNX and TFLite files.

They lie in a folder beside a checkout, since their licences and sizes keep them out of it.
"""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "models"
NAMES = (
    "ad01_int8.tflite",
    "kws_ref_model.tflite",
    "micro_kws_fp32.onnx",
    "micro_kws_qdq.onnx",
    "micro_kws_qoperator.onnx",
    "onnx_mnist_cntk.onnx",
    "pretrainedResnet_quant.tflite",
    "vww_96_int8.tflite",
)


def model_path(name: str) -> Path:
    """The file of a model; a test of a model that is not there is skipped."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"trained model {path} is missing")
    return path
