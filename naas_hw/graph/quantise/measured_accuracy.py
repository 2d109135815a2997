"""How accurate a model was found to be: measured, written beside a model, and put into words."""

from pathlib import Path
from typing import Annotated, Final, Literal

from onnx import ModelProto, helper
from pydantic import BaseModel, ConfigDict, Field

from naas_hw.graph.graph import Graph
from naas_hw.graph.importers.onnx_file import read_model
from naas_hw.graph.quantise.accuracy import accuracy, float_runner, integer_runner
from naas_hw.graph.quantise.data import CalibrationData
from naas_hw.system.json_files import parse_json
from naas_hw.system.text import shown
from naas_hw.system.yaml_files import validate

ACCURACY_FILE: Final = "accuracy.json"
"""In a run folder, beside the model."""

_PROPERTY: Final = "naas_accuracy"
"""Name of the property of an ONNX file whose value is the text of such a file."""

_MAX_NAME: Final = 255

Share = Annotated[float, Field(ge=0, le=1)]


class MeasuredAccuracy(BaseModel):
    """The share of labelled values that a model classifies rightly.

    Parameters
    ----------
    float_accuracy : before quantisation; None where the float model was not there.
    integer_accuracy : in integers, as the accelerator computes.
    num_samples : labelled values.
    data : the name of their folder, without its place.
    num_calibrating : of the values, how many calibrated the model, too; None if nobody knows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal[1] = 1
    float_accuracy: Share | None = None
    integer_accuracy: Share
    num_samples: Annotated[int, Field(ge=1)]
    data: Annotated[str, Field(min_length=1, max_length=_MAX_NAME)]
    num_calibrating: Annotated[int, Field(ge=0)] | None = None

    @property
    def text(self) -> str:
        """As it stands in the file."""
        return self.model_dump_json(indent=1) + "\n"

    @property
    def words(self) -> str:
        """`97.22% in integers, 97.50% in float, on 360 values of 'digits'`."""
        shares = f"{self.integer_accuracy:.2%} in integers"
        if self.float_accuracy is not None:
            shares += f", {self.float_accuracy:.2%} in float"
        found = f"{shares}, on {self.num_samples:,} values of {shown(self.data, _MAX_NAME)}"
        if not self.num_calibrating:
            return found
        if self.num_calibrating >= self.num_samples:
            return f"{found}, which calibrated the model, too"
        return f"{found}, of which {self.num_calibrating:,} calibrated the model, too"


def measure_accuracy(
    integers: Graph,
    data: CalibrationData,
    *,
    name: str,
    real: Graph | None = None,
    num_calibrating: int | None = None,
) -> MeasuredAccuracy:
    """Run a model on labelled data.

    Parameters
    ----------
    integers : the quantised model; `real` : the float one, where it is known.
    name : of the data.
    num_calibrating : see `MeasuredAccuracy`.

    Raises
    ------
    InputError : the data has no labels, or one that the model does not have.
    """
    return MeasuredAccuracy(
        float_accuracy=None if real is None else accuracy(float_runner(real), data),
        integer_accuracy=accuracy(integer_runner(integers), data),
        num_samples=len(data.images),
        data=name,
        num_calibrating=num_calibrating,
    )


def name_of_data(folder: str | Path) -> str:
    """The last part of a folder's path, which says what data it is and not where it lies."""
    return Path(folder).resolve().name or "/"


def put_accuracy(model: ModelProto, measured: MeasuredAccuracy) -> None:
    """Write an accuracy into an ONNX model, for those who read the file later."""
    helper.set_model_props(model, {_PROPERTY: measured.text})


def accuracy_in(path: str | Path) -> MeasuredAccuracy | None:
    """The accuracy that an ONNX file has with it; None if it has none.

    Raises
    ------
    InputError : it is no whole ONNX file, or what it says of its accuracy is damaged.
    """
    for entry in read_model(Path(path)).metadata_props:
        if entry.key == _PROPERTY:
            place = f"{path}: {_PROPERTY}"
            return validate(MeasuredAccuracy, parse_json(entry.value, place), place)
    return None
