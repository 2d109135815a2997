"""Models with their values: found, quantised, and lowered to the layers of a design."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from naas_hw.api.designs import Design, find_networks
from naas_hw.compiler.lowering.lower import ALL_OPTIONS, lower
from naas_hw.compiler.lowering.network import network_of
from naas_hw.compiler.lowering.values import LoweredNetwork
from naas_hw.core.errors import InputError
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Graph
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.onnx_writer import onnx_model
from naas_hw.graph.quantise.data import read_data, seeded_data
from naas_hw.graph.quantise.measured_accuracy import (
    ACCURACY_FILE,
    MeasuredAccuracy,
    accuracy_in,
    measure_accuracy,
    name_of_data,
)
from naas_hw.graph.quantise.quantisation import quantise, quantise_measured
from naas_hw.graph.quantise.settings import Observer, QuantiseSettings
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.workload.catalogue import builtin_names
from naas_hw.workload.models import find_builtin
from naas_hw.workload.network import Network
from naas_hw.workload.option import Option

MODEL_FILE: Final = "model.onnx"
"""The quantised model in a run folder."""

_MODEL_FILES: Final = (".onnx", ".tflite")
_SEEDED_IMAGES: Final = 1
_QUICK: Final = QuantiseSettings(
    observer=Observer.MINMAX, equalise=False, correct_bias=False, finite_only=True
)
"""How a model is quantised on numbers that were drawn, which are not worth more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A quantised model.

    Parameters
    ----------
    graph : with quantize and dequantize operators.
    calibration : on what a float model was quantised, in words; None if it came quantised.
    accuracy : None where nobody has measured it.
    """

    graph: Graph
    calibration: str | None = None
    accuracy: MeasuredAccuracy | None = None

    @cached_property
    def quantised(self) -> QuantisedGraph:
        """The model in integers."""
        return quantised_graph(folded(self.graph))

    def lowered(self, beat_bytes: int, options: frozenset[Option] = ALL_OPTIONS) -> LoweredNetwork:
        """The calls that compute it on an accelerator with this width and hardware."""
        return lower(self.quantised, beat_bytes=beat_bytes, options=options)

    def network(self, beat_bytes: int, options: frozenset[Option] = ALL_OPTIONS) -> Network:
        """Its layers on such an accelerator, for a search."""
        return network_of(self.lowered(beat_bytes, options))

    @cached_property
    def file(self) -> bytes:
        """The model as an ONNX file."""
        return bytes(onnx_model(self.graph).SerializeToString(deterministic=True))

    @property
    def files(self) -> dict[str, bytes]:
        """Name -> content of what a run of the model keeps of it."""
        files = {MODEL_FILE: self.file}
        if self.accuracy is not None:
            files[ACCURACY_FILE] = self.accuracy.text.encode()
        return files

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of it, a line each."""
        lines = []
        if self.calibration is not None:
            lines.append(f"{self.graph.name}: quantised on {self.calibration}")
        if self.accuracy is not None:
            lines.append(f"{self.graph.name}: accuracy {self.accuracy.words}")
        return tuple(lines)


def find_model(
    source: str | Path,
    *,
    input_shape: tuple[int, ...] | None = None,
    data: str | Path | None = None,
    settings: QuantiseSettings | None = None,
) -> Model:
    """A model by file, built-in name or `module:callable`; a float one is quantised.

    Parameters
    ----------
    input_shape : of its one input, where the file leaves it open or it shall be another.
    data : a folder with calibration data for a float model; random numbers without. Where it has
        labels the accuracy is measured, also of a model that is quantised already.
    settings : of the quantisation.

    Raises
    ------
    InputError, ToolError : one sentence.
    """
    graph = read_graph(source, input_shapes=None if input_shape is None else {"": input_shape})
    if any(operator.kind in ("quantize", "dequantize") for operator in graph.operators):
        if data is not None:
            return Model(graph=graph, accuracy=_measured(graph, data))
        is_as_measured = Path(source).suffix.lower() == ".onnx" and input_shape is None
        return Model(graph=graph, accuracy=accuracy_in(source) if is_as_measured else None)
    if data is None:
        done = quickly_quantised(graph, settings)
        return Model(graph=done, calibration="numbers drawn at random")
    return _calibrated(graph, data, settings)


def _measured(graph: Graph, data: str | Path) -> MeasuredAccuracy:
    """The accuracy of a model that came quantised."""
    labelled = read_data(data, graph)
    if labelled.labels is None:
        raise InputError(
            f"{data} must hold labels.npy: {graph.name} is quantised already, so the data can only "
            "measure its accuracy"
        )
    return measure_accuracy(graph, labelled, name=name_of_data(data))


def _calibrated(graph: Graph, data: str | Path, settings: QuantiseSettings | None) -> Model:
    """A float model, quantised on data."""
    known = read_data(data, graph)
    done = quantise_measured(graph, known.images, settings)
    measured = None
    if known.labels is not None:
        measured = measure_accuracy(
            done.graph,
            known,
            name=name_of_data(data),
            real=done.real,
            num_calibrating=len(known.images),
        )
    return Model(graph=done.graph, calibration=f"the data in {data}", accuracy=measured)


def quickly_quantised(graph: Graph, settings: QuantiseSettings | None = None) -> Graph:
    """A float model, quantised on numbers drawn at random."""
    images = seeded_data(graph, count=_SEEDED_IMAGES).images
    return quantise(graph, images, settings or _QUICK)


def read_model(folder: str | Path) -> Model:
    """The model of a run folder.

    Raises InputError where the run has none.
    """
    path = Path(folder) / MODEL_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} has no {MODEL_FILE}, which only a search of a model with its values writes"
        )
    return Model(graph=read_graph(path))


def lowered_for(model: Model, design: Design, folder: str | Path) -> LoweredNetwork:
    """The calls that compute the model of a run folder on the accelerator of its design.

    Raises
    ------
    InputError : the design is not of this model.
    """
    accelerator = design.accelerator
    lowered = model.lowered(accelerator.beat_bytes, accelerator.options)
    if network_of(lowered).layers != design.network.layers:
        raise InputError(
            f"the model in {folder} has other layers on this accelerator than network.yaml; "
            "search the model again"
        )
    return lowered


@dataclass(frozen=True, kw_only=True)
class ResolvedNetworks:
    """Networks for a search.

    Parameters
    ----------
    files : what a run of them keeps beside its design: the model, and its accuracy.
    notes : what a user should know, a sentence each.
    """

    networks: tuple[Network, ...]
    files: Mapping[str, bytes]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NetworkRequest:
    """Which networks a search is for.

    A network's YAML file has shapes only. Of programs of torch the layers are taken, as with
    `layers_only`; `naas quantise` makes a model of them whose whole network can run.

    Parameters
    ----------
    sources : built-in names, files, or `module:callable`.
    resolution, input_shape : of the image, if not the source's own.
    host : kinds of operators that are left to the host.
    layers_only : take the shapes of convolutions and linear layers only.
    data : folder with calibration data for float models; labels in it measure the accuracy.
    """

    sources: tuple[str, ...]
    resolution: int | None = None
    input_shape: tuple[int, ...] | None = None
    host: tuple[str, ...] = ()
    layers_only: bool = False
    data: Path | None = None

    def resolved(
        self, beat_bytes: int, options: frozenset[Option] = ALL_OPTIONS
    ) -> ResolvedNetworks:
        """The networks, lowered for accelerators of this width and hardware where they have values.

        Raises
        ------
        InputError, ToolError : one sentence.
        """
        whole = [self._is_whole(source) for source in self.sources]
        if not any(whole):
            if self.data is not None:
                raise InputError("--data must not be given where no network has values")
            networks = find_networks(
                self.sources,
                resolution=self.resolution,
                input_shape=self.input_shape,
                host=self.host,
            )
            return ResolvedNetworks(networks=tuple(networks), files={})
        if not all(whole):
            source = self.sources[whole.index(False)]
            raise InputError(
                f"{source} has shapes without values, but other networks have values; "
                "--layers-only takes the shapes of all"
            )
        models = [self._model(source) for source in self.sources]
        return ResolvedNetworks(
            networks=tuple(model.network(beat_bytes, options) for model in models),
            files=models[0].files if len(models) == 1 else {},
            notes=tuple(note for model in models for note in model.notes),
        )

    def _is_whole(self, source: str) -> bool:
        if source.endswith(_MODEL_FILES):
            if self.layers_only or self.host:
                option = "--layers-only" if self.layers_only else "--host"
                raise InputError(f"{option} must not be given with {source}, a file with values")
            return True
        is_builtin = source in builtin_names()
        return is_builtin and not (self.layers_only or self.host)

    def _model(self, source: str) -> Model:
        return find_model(source, input_shape=self._input_shape(source), data=self.data)

    def _input_shape(self, source: str) -> tuple[int, ...] | None:
        if self.resolution is None:
            return self.input_shape
        if self.input_shape is not None:
            raise InputError("--resolution and --input-shape must not both be given")
        if source not in builtin_names():
            raise InputError(
                f"--resolution must be given for built-in networks only, not for {source}: "
                "give --input-shape"
            )
        return find_builtin(source).input_shape(self.resolution)
