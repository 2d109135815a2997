"""The authors' once-for-all ResNet50 and its accuracy predictor, out of their files.

Files are read as data (`weights_only=True`), key by key. Names and shapes are those of
github.com/mit-han-lab/once-for-all: `ofa_nets/ofa_resnet50_d0-1-2_e0.2-0.25-0.35_w0.65-0.8-1.0`
and `ofa_resnet50_acc_predictor.pth`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.core.torch_extra import require_torch
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracySource, Evidence
from naas_hw.nas.spaces.builtin import OFA_RESNET50
from naas_hw.nas.spaces.genes import Encodings
from naas_hw.nas.spaces.resnet import ResNetSpace

if TYPE_CHECKING:
    from torch import Tensor

    from naas_hw.nas.accuracy.supernet import Supernet

Array = NDArray[np.float64]

PREDICTOR_RESOLUTIONS: Final = (128, 144, 160, 176, 192, 224, 240, 256)
"""The images that the authors' predictor knows: 208 is not among them."""
HIDDEN_SIZE: Final = 400
NUM_HIDDEN: Final = 3
_OPTIONAL: Final = "num_batches_tracked"


def read_tensors(path: str | Path) -> dict[str, "Tensor"]:
    """The tensors in a file that torch.save wrote, by name; nothing else may be in it.

    A dictionary of them, or one under the key `state_dict`.

    Raises
    ------
    InputError : not such a file.
    ToolError : torch is not installed.
    """
    require_torch(f"to read {path}")
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot read {path}: {reason}") from error
    except Exception as error:  # torch raises whatever its unpickler meets
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path}: must hold weights as torch.save writes them: {reason}"
        ) from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold tensors by name, not {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise InputError(f"{path}: {name} must be a tensor, not {type(value).__name__}")
    return dict(content)


def published_names(name: str) -> tuple[str, str]:
    """What the authors call a parameter of ours: in a supernet's file, and in a shorter form.

    >>> published_names("blocks.3.conv1.conv.weight")
    ('blocks.3.conv1.conv.conv.weight', 'blocks.3.conv1.conv.weight')
    >>> published_names("stem.1.bn.bias")
    ('input_stem.1.conv.bn.bn.bias', 'input_stem.1.conv.bn.bias')
    """
    short = re.sub(r"^stem\.1\.", "input_stem.1.conv.", name)
    short = re.sub(r"^stem\.", "input_stem.", short)
    short = re.sub(r"^classifier\.", "classifier.linear.", short)
    return re.sub(r"\b(conv|bn|linear)(\.\w+)$", r"\1.\1\2", short), short


def load_published_supernet(path: str | Path) -> "Supernet":
    """The authors' supernet of the space `ofa-resnet50`.

    Raises
    ------
    InputError : a key or a shape differs; it is named.
    ToolError : torch is not installed.
    """
    tensors = read_tensors(path)
    from naas_hw.nas.accuracy.supernet import Supernet

    supernet = Supernet(OFA_RESNET50.space(), seed=0)
    own = supernet.whole.state_dict()
    supernet.whole.load_state_dict(_matched(path, tensors, own))
    return supernet


def _matched(
    path: str | Path, tensors: Mapping[str, "Tensor"], own: Mapping[str, "Tensor"]
) -> dict[str, "Tensor"]:
    """The file's tensors under our names."""
    matched, used = {}, set()
    for name, expected in own.items():
        names = published_names(name)
        theirs = next((candidate for candidate in names if candidate in tensors), None)
        if theirs is None and name.endswith(_OPTIONAL):
            matched[name] = expected
            continue
        if theirs is None:
            raise InputError(f"{path}: {names[0]} is missing")
        _check_shape(path, theirs, tuple(tensors[theirs].shape), tuple(expected.shape))
        matched[name] = tensors[theirs]
        used.add(theirs)
    _refuse_others(path, set(tensors) - used)
    return matched


def _check_shape(
    path: str | Path, name: str, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    if shape != expected:
        raise InputError(
            f"{path}: {name} must have the shape {_shape_text(expected)}, not {_shape_text(shape)}"
        )


def _shape_text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "of a single number"


def _refuse_others(path: str | Path, names: set[str]) -> None:
    if names:
        raise InputError(
            f"{path}: must not hold {sorted(names)[0]}, which is not a part of the predictor"
        )


@dataclass(frozen=True, kw_only=True)
class PublishedPredictor:
    """An `AccuracyOracle`: the authors' multilayer perceptron, evaluated in numpy.

    Parameters
    ----------
    weights, biases : [out, in] and [out] of each layer; the last has no bias.
    base : added to what comes out; fractions of 1.
    file_digest : of the file that they come from.
    """

    space: ResNetSpace
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    base: float
    file_digest: str

    @property
    def source(self) -> AccuracySource:
        """Predicted, by a file whose quality is not known here."""
        return AccuracySource(
            evidence=Evidence.PREDICTED,
            basis=f"ImageNet top-1, the authors' predictor, file {self.file_digest}, "
            "rank correlation not measured here",
        )

    def covers(self, encodings: Encodings) -> NDArray[np.bool_]:
        """Networks whose image the predictor knows."""
        column = self.space.genome.column("resolution")
        choices = self.space.genome.genes[column].choices
        known = np.isin(np.array(choices), PREDICTOR_RESOLUTIONS)
        covered: NDArray[np.bool_] = known[encodings[:, column]]
        return covered

    def accuracies(self, encodings: Encodings) -> Accuracies:
        """Predictions, kept within 0 to 100.

        Raises
        ------
        InputError : the predictor does not know a network's image.
        """
        unknown = ~self.covers(encodings)
        if unknown.any():
            size = self.space.resolution(encodings[unknown][0])
            sizes = ", ".join(map(str, PREDICTOR_RESOLUTIONS))
            raise InputError(f"the predictor must have an image of {sizes} rows, not {size}")
        values = predictor_features(self.space, encodings)
        for weight, bias in zip(self.weights[:-1], self.biases, strict=True):
            values = np.maximum(values @ weight.T + bias, 0.0)
        fractions = (values @ self.weights[-1].T)[:, 0] + self.base
        return Accuracies(top1_percent=np.clip(100 * fractions, 0.0, 100.0), source=self.source)


def predictor_features(space: ResNetSpace, encodings: Encodings) -> Array:
    """[B, 82] the authors' features: one-hot image, stem, widths, and expansion of each block.

    The image is one of `PREDICTOR_RESOLUTIONS`; the stem has its middle convolution or not; the
    six widths are those of the stem's inside, the stem and the stages; a block that is not there
    has no expansion.
    """
    resolutions = space.genome.genes[0].choices
    known = [resolutions.index(size) for size in PREDICTOR_RESOLUTIONS]
    names = [gene.name for gene in space.genome.genes]
    reordered = [
        "stem.depth",
        "stem.middle_width",
        "stem.width",
        *(name for name in names if re.fullmatch(r"stage\d+\.width", name)),
        *(name for name in names if name.endswith(".expand")),
    ]
    blocks = [encodings[:, :1] == np.array(known)]
    for name in reordered:
        column = space.genome.column(name)
        gene = space.genome.genes[column]
        one_hot = encodings[:, column, np.newaxis] == np.arange(len(gene.choices))
        blocks.append(one_hot & space.genome.holds(gene.when, encodings)[:, np.newaxis])
    return np.concatenate(blocks, axis=1).astype(np.float64)


def load_published_predictor(path: str | Path) -> PublishedPredictor:
    """The authors' accuracy predictor of the space `ofa-resnet50`.

    Raises
    ------
    InputError : a key or a shape differs; it is named.
    ToolError : torch is not installed.
    """
    tensors = read_tensors(path)
    space = OFA_RESNET50.space()
    num_features = predictor_features(space, space.sample(np.random.default_rng(0), 1)).shape[1]
    arrays: dict[str, Any] = {}
    for name, shape in _predictor_shapes(num_features).items():
        if name not in tensors:
            raise InputError(f"{path}: {name} is missing")
        _check_shape(path, name, tuple(tensors[name].shape), shape)
        arrays[name] = tensors[name].double().numpy()
    _refuse_others(path, set(tensors) - set(arrays))
    hidden = [f"layers.{index}.0" for index in range(NUM_HIDDEN)]
    return PublishedPredictor(
        space=space,
        weights=(
            *(arrays[f"{name}.weight"] for name in hidden),
            arrays[f"layers.{NUM_HIDDEN}.weight"],
        ),
        biases=tuple(arrays[f"{name}.bias"] for name in hidden),
        base=float(arrays["base_acc"][0]),
        file_digest=hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12],
    )


def _predictor_shapes(num_features: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"base_acc": (1,)}
    for index in range(NUM_HIDDEN):
        num_inputs = HIDDEN_SIZE if index else num_features
        shapes[f"layers.{index}.0.weight"] = (HIDDEN_SIZE, num_inputs)
        shapes[f"layers.{index}.0.bias"] = (HIDDEN_SIZE,)
    return shapes | {f"layers.{NUM_HIDDEN}.weight": (1, HIDDEN_SIZE)}
