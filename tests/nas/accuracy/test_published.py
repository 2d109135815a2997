"""The authors' files: written here in their form, read key by key."""

import pickle

import numpy as np
import pytest

from naas_hw.core import torch_extra
from naas_hw.core.errors import InputError, ToolError
from naas_hw.nas.accuracy.oracle import Evidence
from naas_hw.nas.accuracy.published import (
    load_published_predictor,
    load_published_supernet,
    predictor_features,
    published_names,
)
from naas_hw.nas.joint.settings import find_oracle
from naas_hw.nas.spaces.builtin import ELASTIC_MOBILENET, OFA_RESNET50

pytestmark = pytest.mark.needs("torch")

SPACE = OFA_RESNET50.space()
STATISTICS = ("weight", "bias", "running_mean", "running_var")


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    shapes = {f"{name}.bn.bn.{what}": (width,) for what in STATISTICS}
    return shapes | {f"{name}.bn.bn.num_batches_tracked": ()}


def convolution(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.conv.conv.weight": shape} | norm(name, shape[0])


def supernet_shapes() -> dict[str, tuple[int, ...]]:
    """Keys and shapes of the authors' supernet: the widest, deepest network, expansion 0.35."""
    shapes = convolution("input_stem.0", 32, 3, 3, 3)
    shapes |= convolution("input_stem.1.conv", 32, 32, 3, 3)
    shapes |= convolution("input_stem.2", 64, 32, 3, 3)
    index, channels = 0, 64
    stages = ((4, 256, 88), (4, 512, 176), (6, 1024, 360), (4, 2048, 720))
    for depth, width, middle in stages:
        for position in range(depth):
            name = f"blocks.{index}"
            shapes |= convolution(f"{name}.conv1", middle, channels, 1, 1)
            shapes |= convolution(f"{name}.conv2", middle, middle, 3, 3)
            shapes |= convolution(f"{name}.conv3", width, middle, 1, 1)
            if position == 0:
                shapes |= convolution(f"{name}.downsample", width, channels, 1, 1)
            index, channels = index + 1, width
    return shapes | {
        "classifier.linear.linear.weight": (1000, 2048),
        "classifier.linear.linear.bias": (1000,),
    }


def tensors(shapes: dict[str, tuple[int, ...]]):
    """A tensor a key, all of its entries the key's place in the file; no storage beyond that."""
    import torch

    return {
        name: torch.tensor(float(place)).expand(shape)
        if "num_batches" not in name
        else torch.tensor(place)
        for place, (name, shape) in enumerate(shapes.items())
    }


def saved(path, content):
    import torch

    torch.save(content, path)
    return path


def test_supernet_is_read_key_by_key(tmp_path):
    """Each of ours has what stands under the authors' name for it."""
    shapes = supernet_shapes()
    places = {name: place for place, name in enumerate(shapes)}
    supernet = load_published_supernet(saved(tmp_path / "net", {"state_dict": tensors(shapes)}))
    own = supernet.whole.state_dict()
    assert len(own) == len(shapes)
    for name, value in own.items():
        assert value.double().mean() == pytest.approx(places[published_names(name)[0]])
    network = supernet.subnet(SPACE.smallest)
    assert sum(part.numel() for part in network.parameters()) == (
        SPACE.network(SPACE.smallest).num_parameters
    )


def test_shorter_names_are_taken(tmp_path):
    """As in files of plain networks: `conv.weight` for `conv.conv.weight` and so on."""
    shapes = {
        name.replace("conv.conv.weight", "conv.weight")
        .replace("bn.bn.", "bn.")
        .replace("linear.linear.", "linear."): shape
        for name, shape in supernet_shapes().items()
    }
    assert "blocks.0.conv1.conv.weight" in shapes
    load_published_supernet(saved(tmp_path / "net", tensors(shapes)))


def changed(change):
    shapes = supernet_shapes()
    change(shapes)
    return shapes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda shapes: shapes.pop("blocks.7.conv2.conv.conv.weight"),
            "blocks.7.conv2.conv.conv.weight is missing",
        ),
        (
            lambda shapes: shapes.update({"blocks.0.conv1.conv.conv.weight": (64, 64, 1, 1)}),
            "blocks.0.conv1.conv.conv.weight must have the shape 88x64x1x1, not 64x64x1x1",
        ),
        (
            lambda shapes: shapes.update({"blocks.18.conv1.conv.conv.weight": (1,)}),
            "must not hold blocks.18.conv1.conv.conv.weight, which is not a part of the predictor",
        ),
    ],
)
def test_supernet_that_differs(tmp_path, change, message):
    """The key is named."""
    path = saved(tmp_path / "net", tensors(changed(change)))
    with pytest.raises(InputError) as caught:
        load_published_supernet(path)
    assert str(caught.value) == f"{path}: {message}"


class Executed:
    """What a file that is more than data would hold."""

    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b"no weights"),
        lambda path: path.write_bytes(pickle.dumps(Executed())),
        lambda path: saved(path, {"state_dict": Executed()}),
        lambda path: path.write_bytes(b""),
    ],
)
def test_files_are_data(tmp_path, capsys, write):
    """What is not tensors is refused, and nothing is run."""
    path = tmp_path / "net"
    write(path)
    with pytest.raises(InputError, match="must hold weights as torch.save writes them"):
        load_published_supernet(path)
    assert "executed" not in capsys.readouterr().out


def test_a_missing_file_is_an_error(tmp_path):
    """One sentence."""
    with pytest.raises(InputError, match="cannot read .*none: no such file"):
        load_published_supernet(tmp_path / "none")


def test_what_is_no_tensor_is_named(tmp_path):
    """A number among the weights."""
    path = saved(tmp_path / "net", {"epoch": 3})
    with pytest.raises(InputError, match="epoch must be a tensor, not int"):
        load_published_supernet(path)


def predictor_module(num_features: int = 82):
    """The authors' perceptron, in torch, with random weights."""
    import torch
    from torch import nn

    sizes = [num_features, 400, 400, 400]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [
            nn.Sequential(nn.Linear(before, size), nn.ReLU())
            for before, size in zip(sizes, sizes[1:], strict=False)
        ]
        module = nn.Module()
        module.layers = nn.Sequential(*layers, nn.Linear(400, 1, bias=False))
        module.base_acc = nn.Parameter(torch.tensor([0.77]))
    return module


def known(encodings):
    """Those of an image that the predictor knows."""
    return encodings[encodings[:, 0] != 5]


def test_predictor_computes_what_torch_computes(tmp_path):
    """To float32's precision, in percent; its label does not claim a correlation."""
    import torch

    module = predictor_module()
    predictor = load_published_predictor(saved(tmp_path / "net", module.state_dict()))
    encodings = known(SPACE.sample(np.random.default_rng(2), 50))
    features = torch.from_numpy(predictor_features(SPACE, encodings)).float()
    with torch.no_grad():
        expected = 100 * (module.layers(features)[:, 0] + module.base_acc).numpy()
    found = predictor.accuracies(encodings)
    assert found.top1_percent == pytest.approx(expected, abs=1e-3)
    assert found.source.evidence is Evidence.PREDICTED
    assert "rank correlation not measured here" in found.source.label


def test_a_user_names_the_predictors_file_where_an_oracle_is_asked_for(tmp_path):
    """`naas cosearch --accuracy ofa-predictor:FILE`: files that differ are different sources."""
    import torch

    module = predictor_module()
    first = find_oracle(f"ofa-predictor:{saved(tmp_path / 'one', module.state_dict())}", SPACE)
    with torch.no_grad():
        module.base_acc += 0.01
    second = find_oracle(f"ofa-predictor:{saved(tmp_path / 'two', module.state_dict())}", SPACE)
    encodings = known(SPACE.sample(np.random.default_rng(2), 5))
    gains = second.accuracies(encodings).top1_percent - first.accuracies(encodings).top1_percent
    assert gains == pytest.approx(1.0, abs=1e-3)
    assert first.source != second.source


def test_the_predictor_knows_one_space_only(tmp_path):
    with pytest.raises(InputError, match="ofa-predictor: must be asked of ofa-resnet50 only, not"):
        find_oracle(f"ofa-predictor:{tmp_path}", ELASTIC_MOBILENET.space())


def test_predictor_features_are_the_authors():
    """8 images, 2 stems, 6 widths of 3, 18 expansions of 3, in that order."""
    settings = {gene.name: gene.choices[0] for gene in SPACE.genome.genes}
    settings |= {"resolution": 224, "stem.depth": 1, "stage3.width": 1.0, "stage0.depth": 1}
    settings |= {"block2.expand": 0.35}
    features = predictor_features(SPACE, SPACE.encode(settings)[np.newaxis])[0]
    expected = np.zeros(82)
    expected[5] = 1  # 128 144 160 176 192 224
    expected[8 + 1] = 1
    expected[10 + 3 * np.arange(5)] = 1
    expected[10 + 3 * 5 + 2] = 1
    there = [0, 1, 2, 4, 5, 8, 9, 10, 11, 14, 15]  # base depths 2, 2, 4, 2 of 4, 4, 6, 4, and one
    expected[28 + 3 * np.array(there)] = 1
    expected[28 + 3 * 2] = 0
    expected[28 + 3 * 2 + 2] = 1
    assert features.tolist() == expected.tolist()


def test_predictor_does_not_know_208_rows(tmp_path):
    """An error, not a guess."""
    path = saved(tmp_path / "net", predictor_module().state_dict())
    predictor = load_published_predictor(path)
    encodings = SPACE.sample(np.random.default_rng(2), 50)
    unknown = encodings[encodings[:, 0] == 5]
    assert len(unknown)
    assert not predictor.covers(unknown).any()
    assert predictor.covers(known(encodings)).all()
    with pytest.raises(InputError, match="must have an image of 128, .* rows, not 208"):
        predictor.accuracies(unknown)


def test_predictor_that_differs(tmp_path):
    """Fitted for other images: the key and both shapes."""
    path = saved(tmp_path / "net", predictor_module(78).state_dict())
    with pytest.raises(InputError) as caught:
        load_published_predictor(path)
    assert str(caught.value) == (
        f"{path}: layers.0.0.weight must have the shape 400x82, not 400x78"
    )


def test_without_torch(monkeypatch, tmp_path):
    """The error says what to install."""
    monkeypatch.setattr(torch_extra, "find_spec", lambda _name: None)
    for load in (load_published_supernet, load_published_predictor):
        with pytest.raises(ToolError, match=r"to read .*: pip install 'naas_hw\[torch\]'"):
            load(tmp_path / "net")
