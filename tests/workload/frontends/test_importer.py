"""Torch models from each source, and without torch the sentence that says what to install."""

import json
import os
import pickle
import zipfile

import pytest

from naas_hw.core import torch_extra
from naas_hw.core.errors import InputError, ToolError
from naas_hw.workload.check import Verdict
from naas_hw.workload.files import write_network
from naas_hw.workload.frontends.importer import check_model, import_network
from naas_hw.workload.frontends.source import load_graph
from naas_hw.workload.layer import Activation, Kind

needs_torch = pytest.mark.needs("torch")


def small_model():
    """One of everything that is mapped or folded, and a pool."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU6(inplace=True),
        nn.Conv2d(8, 8, 3, padding="same", groups=8),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 16, 3, groups=8),
        nn.ConvTranspose2d(16, 4, 2, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(4, 10),
    )


def saved(model, path, shape=(1, 3, 32, 32)):
    import torch

    program = torch.export.export(model.eval(), (torch.zeros(shape),))
    torch.export.save(program, path)
    return path


@needs_torch
def test_module():
    """Kinds, activations and names of a module's layers; the pool is the host's."""
    network = import_network(small_model(), name="small", input_shape=(1, 3, 32, 32))
    assert [(x.name, x.kind, x.activation) for x in network.layers] == [
        ("0", Kind.CONV, Activation.RELU6),
        ("3", Kind.DEPTHWISE, Activation.RELU),
        ("5", Kind.CONV, Activation.NONE),
        ("6", Kind.TRANSPOSED, Activation.NONE),
        ("10", Kind.LINEAR, Activation.NONE),
    ]
    assert network.layers[2].groups == 8
    assert [host.operator for host in network.host] == ["adaptive_avg_pool2d"]
    convolutions = 3 * 8 * 9 + 2 * 8 + (8 * 9 + 8) + (16 * 9 + 16)
    assert network.num_parameters == convolutions + (16 * 4 * 4 + 4) + (4 * 10 + 10)


@needs_torch
def test_resolution():
    """Rows and columns of the first layer's input; 224 if nothing is said."""
    assert import_network(small_model()).layers[0].height == 224
    assert import_network(small_model(), resolution=64).layers[0].height == 64


@needs_torch
def test_modes_of_the_module_are_kept():
    """Importing leaves each submodule in the mode that it was in."""
    model = small_model()
    model[1].eval()
    before = [part.training for part in model.modules()]
    import_network(model, resolution=32)
    assert [part.training for part in model.modules()] == before


@needs_torch
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch about its own code
def test_pt2_file_gives_the_same_network(tmp_path):
    """The archive, read as data, says the same as the module; its decomposed form too."""
    import torch

    model = small_model()
    path = saved(model, tmp_path / "small.pt2")
    expected = import_network(model, name="small", resolution=32)
    assert import_network(path) == expected
    program = torch.export.export(model.eval(), (torch.zeros(1, 3, 32, 32),))
    torch.export.save(program.run_decompositions(), tmp_path / "core.pt2")
    assert import_network(tmp_path / "core.pt2").layers == expected.layers


class Payload:
    """Unpickling this makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@needs_torch
def test_pt2_file_is_data(tmp_path):
    """No pickle in the archive is ever loaded."""
    path, hostile = saved(small_model(), tmp_path / "a.pt2"), tmp_path / "hostile.pt2"
    payload = pickle.dumps(Payload(tmp_path / "ran"))
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(hostile, "w") as new:
        for entry in old.namelist():
            is_graph = "/models/" in entry
            new.writestr(entry, old.read(entry) if is_graph else payload)
    assert import_network(hostile).layers == import_network(path).layers
    assert not (tmp_path / "ran").exists()


def test_pt2_needs_no_torch(tmp_path, monkeypatch):
    """A graph is JSON: a file written by hand is read with torch out of reach."""
    monkeypatch.setattr(torch_extra, "find_spec", lambda _name: None)
    sizes = {"x": [1, 8], "w": [4, 8], "y": [1, 4]}
    node = {
        "target": "torch.ops.aten.linear.default",
        "inputs": [
            {"name": name, "arg": {"as_tensor": {"name": tensor}}}
            for name, tensor in (("input", "x"), ("weight", "w"))
        ],
        "outputs": [{"as_tensor": {"name": "y"}}],
    }
    weight = {"parameter": {"arg": {"name": "w"}, "parameter_name": "fc.weight"}}
    module = {
        "graph": {
            "nodes": [node],
            "outputs": [{"as_tensor": {"name": "y"}}],
            "tensor_values": {
                name: {"sizes": [{"as_int": size} for size in shape]}
                for name, shape in sizes.items()
            },
        },
        "signature": {"input_specs": [weight, {"user_input": {}}]},
    }
    path = tmp_path / "a.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/models/model.json", json.dumps({"graph_module": module}))
    (layer,) = import_network(path).layers
    assert (layer.name, layer.kind, layer.K, layer.C) == ("fc", Kind.LINEAR, 4, 8)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (None, "must hold one models/.*.json, not 0"),
        ("{", "the graph: must be JSON"),
        ("[" * 100_000, "the graph: must be nested less deeply"),
        ("[]", "must hold a graph as torch.export.save writes it"),
        ('{"graph_module": {"graph": {}}}', "must hold a graph as torch.export.save writes it"),
    ],
)
def test_wrong_pt2_file_is_one_sentence(tmp_path, content, rule):
    """Whatever is in the file, the error names it and the rule."""
    path = tmp_path / "a.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        if content is not None:
            archive.writestr("a/models/model.json", content)
    with pytest.raises(InputError, match=rule):
        import_network(path)


def test_no_pt2_file_at_all(tmp_path):
    """Missing, or not an archive."""
    path = tmp_path / "a.pt2"
    with pytest.raises(InputError, match="cannot read the .pt2 file .*: No such file"):
        import_network(path)
    path.write_text("text")
    with pytest.raises(InputError, match="cannot read the .pt2 file .*: File is not a zip"):
        import_network(path)
    with pytest.raises(InputError, match="a .pt2 file has a fixed input shape"):
        import_network(path, resolution=64)


@needs_torch
def test_module_and_callable(tmp_path, monkeypatch):
    """`module:callable`, found in the working directory as well."""
    (tmp_path / "my_networks.py").write_text(
        "from torch import nn\n"
        "def tiny(): return nn.Sequential(nn.Conv2d(3, 4, 1))\n"
        "def number(): return 3\n"
        "def broken(): raise RuntimeError('first line\\nsecond')\n"
    )
    monkeypatch.chdir(tmp_path)
    network = import_network("my_networks:tiny", resolution=8)
    assert (network.name, network.layers[0].P) == ("tiny", 8)
    for name, rule in {
        "number": "must give a torch.nn.Module, not int",
        "broken": "must be a module and a callable without arguments: first line$",
        "none": "must be a module and a callable without arguments: ",
    }.items():
        with pytest.raises(InputError, match=f"my_networks:{name} {rule}"):
            import_network(f"my_networks:{name}")
    with pytest.raises(InputError, match="No module named 'no_such_module'"):
        import_network("no_such_module:tiny")


@needs_torch
def test_check_lists_every_operator():
    """Two unsupported ones and all others, each with node, verdict and reason."""
    from torch import nn

    model = nn.Sequential(
        nn.ConvTranspose2d(3, 4, 3, 2),
        nn.Conv2d(4, 8, 1),
        nn.ConvTranspose2d(8, 8, 4, 2, 1),
        nn.Sigmoid(),
    )
    report = check_model(model, resolution=8)
    assert [check.verdict for check in report.operators] == [
        Verdict.UNSUPPORTED,
        Verdict.MAPPED,
        Verdict.UNSUPPORTED,
        Verdict.HOST,
    ]
    assert all(check.name and check.reason for check in report.operators)
    assert not report.ok
    with pytest.raises(
        InputError,
        match=r"not \(2, 2\) \(and 1 more\); --host conv_transpose2d leaves it to the host",
    ):
        import_network(model, resolution=8)
    network = import_network(model, resolution=8, host=["conv_transpose2d"])
    assert [host.operator for host in network.host] == ["conv_transpose2d"] * 2 + ["sigmoid"]
    assert network.macs_not_covered == 3 * 8 * 8 * 4 * 9 + 8 * 17 * 17 * 8 * 16
    with pytest.raises(InputError, match=r"that the model has \(conv2d, .*\), not 'conv3d'"):
        import_network(model, resolution=8, host=["conv3d"])


@needs_torch
def test_check_is_ok_when_nothing_is_unsupported():
    """Host operators do not matter; but something has to be mapped."""
    from torch import nn

    assert check_model(small_model(), resolution=32).ok
    assert not check_model(nn.Sequential(nn.Sigmoid()), resolution=32).ok
    with pytest.raises(InputError, match="has no operator that can run on the accelerator"):
        import_network(nn.Sequential(nn.Sigmoid()), resolution=32)


@needs_torch
def test_check_of_a_network_file(tmp_path):
    """The layers of a YAML file are mapped, its host operators the host's."""
    network = import_network(small_model(), resolution=32)
    path = tmp_path / "a.yaml"
    write_network(network, path)
    report = check_model(path)
    assert report.ok
    assert [check.layer for check in report.of(Verdict.MAPPED)] == [x.name for x in network.layers]
    assert len(report.of(Verdict.HOST)) == 1


@needs_torch
def test_model_that_does_not_export(capfd):
    """A forward() that depends on data is named with the exporter's first line, and no other."""
    from torch import nn

    class Branching(nn.Module):
        def forward(self, x):
            return x + 1 if x.sum() > 0 else x

    with pytest.raises(InputError, match="^torch.export failed on Branching with input 1x3x8x8: "):
        import_network(Branching(), resolution=8)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"source": "lenet"}, "model must be one of vgg16, .*a .pt2 file or module:callable"),
        ({"source": "model.onnx"}, "model must be one of vgg16, "),
        ({"source": "vgg16", "resolution": 0}, "resolution must be 1 to 65535, not 0"),
        (
            {"source": "vgg16", "input_shape": (1, 3, -1, 5)},
            "sizes of the input must be 1 at least",
        ),
        ({"source": "vgg16", "input_shape": (1, 1 << 14, 1 << 14)}, "134217728 at most as a pro"),
        ({"source": "vgg16", "resolution": 5, "input_shape": (1,)}, "must not both be given"),
    ],
)
def test_wrong_arguments(arguments, rule):
    """One sentence each, before torch is asked for."""
    with pytest.raises(InputError, match=rule):
        load_graph(**arguments)


@pytest.mark.parametrize("source", ["vgg16", "my_networks:tiny"])
def test_without_torch_the_error_says_what_to_install(source, monkeypatch):
    """Torch is an extra."""
    monkeypatch.setattr(torch_extra, "find_spec", lambda _name: None)
    with pytest.raises(
        ToolError, match=r"torch must be installed .*: pip install 'naas_hw\[torch\]'"
    ):
        import_network(source)


@needs_torch
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch about its own code
def test_exported_forms_of_what_is_computed(tmp_path):
    """A cast, a computed bias, attention and computed batch norm, as torch exports them.

    The hand-written graphs of `test_classify` have the names of arguments that torch gives.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    class Computed(nn.Module):
        mean: torch.Tensor
        var: torch.Tensor
        last: torch.Tensor

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, bias=False)
            self.embed, self.qkv = nn.Linear(3, 8), nn.Linear(36, 12)
            self.register_buffer("mean", torch.zeros(8))
            self.register_buffer("var", torch.ones(8))
            self.register_buffer("last", torch.zeros(8))

        def forward(self, x):
            scale = self.embed(x.float().mean((0, 2, 3)))
            y = functional.relu(functional.conv2d(x, self.conv.weight, scale))
            y = functional.batch_norm(
                functional.conv2d(x, self.conv.weight) + y, self.mean, self.var, scale, scale
            )
            self.last.copy_(scale)
            y = functional.conv2d(x, self.conv.weight, self.last) * y
            q, k, v = self.qkv(y.flatten(2)).chunk(3, -1)
            return functional.scaled_dot_product_attention(q, k, v)

    network = import_network(Computed(), input_shape=(1, 3, 8, 8))
    assert [layer.activation for layer in network.layers] == [Activation.NONE] * 5
    names = [host.operator for host in network.host]
    assert names.count("relu") == names.count("batch_norm") == 1
    assert [host.name for host in network.host if host.name.endswith(".bias")] == [
        "conv2d.bias", "conv2d_2.bias"]  # fmt: skip
    assert network.macs_not_covered == 8 * 8 * (4 + 4)
    program = torch.export.export(Computed().eval(), (torch.zeros(1, 3, 8, 8),))
    torch.export.save(program, tmp_path / "a.pt2")
    assert import_network(tmp_path / "a.pt2", name="computed") == network
    torch.export.save(program.run_decompositions(), tmp_path / "b.pt2")
    decomposed = import_network(tmp_path / "b.pt2")
    assert decomposed.layers == network.layers
    assert decomposed.macs_not_covered == network.macs_not_covered
