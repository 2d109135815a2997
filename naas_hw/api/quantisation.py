"""A float model as one in int8, in an ONNX file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.onnx_writer import onnx_model
from naas_hw.graph.quantise.data import (
    PictureSettings,
    read_data,
    seeded_data,
)
from naas_hw.graph.quantise.measured_accuracy import (
    MeasuredAccuracy,
    measure_accuracy,
    name_of_data,
    put_accuracy,
)
from naas_hw.graph.quantise.quantisation import quantise_measured
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
    accuracy : on labelled data; None without.
    """

    model: str
    num_images: int
    seeded: bool
    error: float
    equalised: bool
    bias_corrected: bool
    accuracy: MeasuredAccuracy | None = None

    @property
    def float_accuracy(self) -> float | None:
        """Before quantisation, on labelled data."""
        return None if self.accuracy is None else self.accuracy.float_accuracy

    @property
    def integer_accuracy(self) -> float | None:
        """In integers, on labelled data."""
        return None if self.accuracy is None else self.accuracy.integer_accuracy


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

    An accuracy that is measured goes into the file, too.

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
    content = onnx_model(done.graph)
    labelled = known if test is None else read_data(test, graph, pictures)
    measured = None
    if labelled.labels is not None:
        measured = measure_accuracy(
            done.graph,
            labelled,
            name=name_of_data(test or data or ""),
            real=done.real,
            num_calibrating=len(images) if test is None else 0,
        )
        put_accuracy(content, measured)
    write_file(output, content.SerializeToString(deterministic=True))
    return QuantisationReport(
        model=graph.name,
        num_images=len(images),
        seeded=data is None,
        error=done.error,
        equalised=done.equalised,
        bias_corrected=done.bias_corrected,
        accuracy=measured,
    )
