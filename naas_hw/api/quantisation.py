"""A float model as one in int8, in an ONNX file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.onnx_writer import onnx_model
from naas_hw.graph.quantise.accuracy import accuracy, float_runner, integer_runner
from naas_hw.graph.quantise.data import (
    CalibrationData,
    PictureSettings,
    read_data,
    seeded_data,
)
from naas_hw.graph.quantise.quantisation import Quantised, quantise_measured
from naas_hw.graph.quantise.settings import QuantiseSettings
from naas_hw.system.files import write_file


@dataclass(frozen=True, kw_only=True)
class QuantisationReport:
    """What quantisation did to a model.

    Parameters
    ----------
    model : its name.
    num_images : that calibrated it.
    seeded : whether these were drawn at random, for want of data.
    error : mean squared difference of the outputs on them, relative to their mean square.
    equalised, bias_corrected : whether these made the error smaller and were kept.
    float_accuracy, integer_accuracy : on labelled data; None without.
    """

    model: str
    num_images: int
    seeded: bool
    error: float
    equalised: bool
    bias_corrected: bool
    float_accuracy: float | None = None
    integer_accuracy: float | None = None


def quantise(
    model: str | Path,
    output: str | Path,
    *,
    data: str | Path | None = None,
    test: str | Path | None = None,
    settings: QuantiseSettings | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    pictures: PictureSettings | None = None,
) -> QuantisationReport:
    """Quantise a float model and write it as an ONNX file with QuantizeLinear operators.

    Parameters
    ----------
    model : as `read_graph` takes it.
    output : the file that is written, whole or not at all.
    data : a folder with calibration data; without one the data is drawn at random.
    test : a folder with labelled data, on which the accuracy is measured; `data` if it has labels.

    Raises
    ------
    InputError : model, data or output are wrong.
    ToolError : a package that the model or the data needs is missing.
    """
    graph = read_graph(model, input_shapes=input_shapes)
    known = seeded_data(graph) if data is None else read_data(data, graph, pictures)
    settings = settings or QuantiseSettings()
    images = known.images[: settings.num_images]
    done = quantise_measured(graph, images, settings)
    content = onnx_model(done.graph).SerializeToString(deterministic=True)
    labelled = known if test is None else read_data(test, graph, pictures)
    before, after = _accuracies(done, labelled)
    write_file(output, content)
    return QuantisationReport(
        model=graph.name,
        num_images=len(images),
        seeded=data is None,
        error=done.error,
        equalised=done.equalised,
        bias_corrected=done.bias_corrected,
        float_accuracy=before,
        integer_accuracy=after,
    )


def _accuracies(done: Quantised, data: CalibrationData) -> tuple[float | None, float | None]:
    if data.labels is None:
        return None, None
    before = accuracy(float_runner(done.real), data)
    return before, accuracy(integer_runner(done.graph), data)
