"""Programs of torch as graphs: each operator computes what torch computes, whatever the source."""

from collections.abc import Callable

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.importers.torch_program import (
    read_torch_module,
    read_torch_program,
    values_of_program,
)
from naas_hw.graph.importers.traced import graph_of_trace
from naas_hw.workload.frontends.exported import graph_of_program

pytestmark = [
    pytest.mark.needs("torch"),
    # What run_decompositions() and save() warn of inside torch.
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:No complete tensor:UserWarning"),
]

IMAGE = (1, 8, 9, 10)


def convolutions():
    import torch
    from torch.nn import functional

    def weights(*shape: int):
        return torch.nn.Parameter(torch.randn(shape))

    return {
        "plain": (lambda x, w: functional.conv2d(x, w), weights(4, 8, 3, 3)),
        "all": (
            lambda x, w: functional.conv2d(x, w, None, (2, 1), (1, 2), (1, 2), 2),
            weights(4, 4, 3, 3),
        ),
        "same": (
            lambda x, w: functional.conv2d(x, w, padding="same", dilation=2),
            weights(4, 8, 4, 3),
        ),
        "valid": (lambda x, w: functional.conv2d(x, w, padding="valid"), weights(4, 8, 4, 3)),
        "depthwise": (
            lambda x, w: functional.conv2d(x, w, padding=1, groups=8),
            weights(8, 1, 3, 3),
        ),
        "row": (lambda x, w: functional.conv1d(x[:, 0], w, padding=2, stride=2), weights(3, 9, 3)),
        "transposed": (
            lambda x, w: functional.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
            weights(8, 4, 3, 3),
        ),
        "grouped": (
            lambda x, w: functional.conv_transpose2d(x, w, stride=(3, 2), dilation=2, groups=2),
            weights(8, 2, 2, 3),
        ),
        "transposed row": (
            lambda x, w: functional.conv_transpose1d(x[:, 0], w, stride=2),
            weights(9, 4, 3),
        ),
        "linear": (lambda x, w: functional.linear(x, w), weights(5, 10)),
        "computed": (lambda x, w: functional.linear(x, w + x[0, 0, 0]), weights(5, 10)),
        "product": (lambda x, w: x @ w, weights(10, 5)),
        "sum": (lambda x, w: torch.addmm(w[:, 0], x[0, 0], w.t(), alpha=0.5), weights(5, 10)),
        "of two": (lambda x, w: x @ (x.transpose(-1, -2) + w), weights(1)),
        "attention": (
            lambda x, w: functional.scaled_dot_product_attention(x, x + w, 2 * x),
            weights(1),
        ),
    }


def functions():
    import torch
    from torch.nn import functional

    return [
        torch.sigmoid,
        torch.tanh,
        torch.exp,
        torch.abs,
        torch.neg,
        torch.erf,
        torch.square,
        functional.relu,
        functional.relu6,
        functional.hardtanh,
        functional.hardswish,
        functional.hardsigmoid,
        functional.silu,
        functional.mish,
        functional.gelu,
        functional.elu,
        functional.softplus,
        functional.leaky_relu,
        lambda x: functional.gelu(x, approximate="tanh"),
        lambda x: functional.leaky_relu(x, 0.2),
        lambda x: functional.hardtanh(x, -0.5, 0.25),
        lambda x: x.clamp(min=0.1),
        lambda x: x.clamp(-0.2, 0.3),
        lambda x: torch.clamp(x, max=x.mean()),
        lambda x: torch.rsqrt(x.abs() + 1),
        lambda x: torch.log(x.abs() + 1),
        lambda x: 2 * x + 1 - x / 3,
        lambda x: 1 - x,
        lambda x: torch.add(x, x.mean(), alpha=3),
        lambda x: x.pow(2) + (x.abs() + 0.1).pow(0.5),
        lambda x: torch.maximum(x, -x),
        lambda x: torch.minimum(x, 0 * x),
        lambda x: torch.arange(10) * x,
        lambda x: x + torch.ones_like(x) + torch.full((10,), 0.5),
        lambda x: functional.softmax(x, 1),
        lambda x: functional.log_softmax(x, -1),
        lambda x: x.mean(),
        lambda x: x.mean((2, 3)),
        lambda x: x.mean(-1, keepdim=True),
        lambda x: x.sum((1, -1)),
        lambda x: x.amax((2, 3), keepdim=True),
        lambda x: x.max(2)[0],
        lambda x: functional.normalize(x, dim=1),
        lambda x: functional.group_norm(x, 4),
        lambda x: functional.instance_norm(x),
        lambda x: functional.layer_norm(x, (9, 10)),
        lambda x: functional.dropout(x, training=False),
    ]


def layouts():
    import torch
    from torch.nn import functional

    return [
        lambda x: x.flatten(1),
        lambda x: x.reshape(1, 2, 4, -1),
        lambda x: x.permute(0, 2, 3, 1),
        lambda x: x.transpose(1, -1),
        lambda x: x.unsqueeze(1).squeeze(0),
        lambda x: x.movedim(1, -1),
        lambda x: x.unflatten(1, (2, 4)),
        lambda x: x[:, ::2, 1:-1, 3:],
        lambda x: x[0, 3],
        lambda x: x.narrow(2, 1, 4),
        lambda x: torch.cat([x, x[:, :3]], 1),
        lambda x: torch.stack([x, -x], 2),
        lambda x: torch.cat(torch.split(x, 3, 1)[::-1], 1),
        lambda x: torch.cat(x.chunk(3, 1)[1:], 1),
        lambda x: x.unbind(1)[2],
        lambda x: x.mean(1, keepdim=True).expand(-1, 4, -1, -1),
        lambda x: functional.pad(x, (1, 2, 3, 4)),
        lambda x: functional.pad(x, (1, 2, 0, 1), value=2.0),
        lambda x: functional.pad(x, (-1, 2)),
        lambda x: functional.pad(x, (1, 2, 3, 1), mode="reflect"),
        lambda x: functional.pad(x, (1, 2, 3, 1), mode="replicate"),
        lambda x: functional.pixel_shuffle(x, 2),
        lambda x: functional.pixel_unshuffle(x[:, :, :8], 2),
        lambda x: functional.channel_shuffle(x, 4),
        lambda x: functional.interpolate(x, scale_factor=2),
        lambda x: functional.interpolate(x, size=(5, 21)),
        lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
        lambda x: functional.interpolate(x, size=(4, 15), mode="bilinear", align_corners=True),
        lambda x: functional.interpolate(x, scale_factor=(1.3, 0.6), mode="bilinear"),
        lambda x: functional.interpolate(x[:, 0], scale_factor=2),
        lambda x: torch.index_select(x, 1, torch.tensor([3, 0, 3])),
        lambda x: x[:, torch.tensor([1, 2])],
    ]


def resizes():
    """Decomposed, these compute with indices."""
    from torch.nn import functional

    return [
        lambda x: functional.interpolate(x, scale_factor=1.7, mode="nearest-exact"),
        lambda x: functional.interpolate(x, scale_factor=2, mode="bicubic"),
    ]


def pools():
    from torch.nn import functional

    return [
        lambda x: functional.max_pool2d(x, 2),
        lambda x: functional.max_pool2d(x, 3, 2, 1),
        lambda x: functional.max_pool2d(x, 2, 2, ceil_mode=True),
        lambda x: functional.max_pool2d(x, (3, 2), (2, 1), (1, 0), (1, 2)),
        lambda x: functional.max_pool2d(x, 3, 2, 1, return_indices=True)[0],
        lambda x: functional.max_pool1d(x[:, 0], 3),
        lambda x: functional.avg_pool2d(x, 2),
        lambda x: functional.avg_pool2d(x, 3, 2, 1),
        lambda x: functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        lambda x: functional.avg_pool2d(x, 4, 3, 1, ceil_mode=True),
        lambda x: functional.avg_pool2d(x, 4, 3, 1, ceil_mode=True, count_include_pad=False),
        lambda x: functional.avg_pool2d(x, 3, 2, divisor_override=5),
        lambda x: functional.avg_pool1d(x[:, 0], 3, padding=1),
        lambda x: functional.adaptive_avg_pool2d(x, 1),
        lambda x: functional.adaptive_avg_pool2d(x, (3, 5)),
        lambda x: functional.adaptive_avg_pool2d(x, (4, 7)),
        lambda x: functional.adaptive_avg_pool2d(x, (12, None)),
        lambda x: functional.adaptive_max_pool2d(x, (4, 3)),
        lambda x: functional.adaptive_avg_pool1d(x[:, 0], 4),
    ]


def module_of(calls, parameters=()):
    """A module whose results are those of functions of one input, with a parameter each."""
    from torch import nn

    class Many(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.ParameterList(parameters)

        def forward(self, x):
            if parameters:
                return [call(x, w) for call, w in zip(calls, self.weights, strict=True)]
            return [call(x) for call in calls]

    return Many().eval()


def exported(module, shape=IMAGE):
    import torch

    return torch.export.export(module, (torch.zeros(shape),))


def graph_of(program):
    return graph_of_trace(graph_of_program(program), values_of_program(program), name="net")


def differences(graph, module, shape=IMAGE) -> list[float]:
    """The largest difference of each result, relative to the largest number."""
    import torch

    image = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = module(image)
    expected = expected if isinstance(expected, list | tuple) else [expected]
    found = run_floats(graph, {graph.inputs[0]: image.numpy()})
    assert len(graph.outputs) == len(expected)
    differences = []
    for name, wanted in zip(graph.outputs, expected, strict=True):
        numbers = wanted.numpy()
        assert found[name].shape == numbers.shape == graph.tensors[name].shape
        differences.append(float(np.abs(found[name] - numbers).max() / np.abs(numbers).max()))
    return differences


FAMILIES = [convolutions, functions, layouts, pools]


@pytest.mark.parametrize(
    ("family", "decomposed"),
    [
        *((family, False) for family in [*FAMILIES, resizes]),
        *((family, True) for family in FAMILIES),
    ],
)
def test_operators_compute_what_torch_computes(family: Callable, decomposed: bool) -> None:
    calls = family()
    if isinstance(calls, dict):
        names, pairs = list(calls), list(calls.values())
        module = module_of([call for call, _ in pairs], [weights for _, weights in pairs])
    else:
        names, module = [str(index) for index in range(len(calls))], module_of(calls)
    program = exported(module)
    graph = graph_of(program.run_decompositions() if decomposed else program)
    assert graph.notes == ()
    far = [
        name
        for name, difference in zip(names, differences(graph, module), strict=True)
        if difference > 1e-5
    ]
    assert far == []


def small_network():
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU6(inplace=True),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Hardswish(),
        nn.ConvTranspose2d(8, 4, 2, 2),
        nn.PReLU(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(4, 10),
    ).eval()


SHAPE = (1, 3, 16, 16)


def saved(program, path):
    import torch

    torch.export.save(program, path)
    return path


@pytest.mark.parametrize("decomposed", [False, True], ids=["direct", "decomposed"])
def test_a_file_has_the_values_of_its_module(decomposed: bool, tmp_path) -> None:
    module = small_network()
    program = exported(module, SHAPE)
    program = program.run_decompositions() if decomposed else program
    graph = read_torch_program(saved(program, tmp_path / "net.pt2"))
    assert graph.name == "net" and max(differences(graph, module, SHAPE)) < 1e-5
    assert [x.name for x in graph.operators if x.kind == "conv"] == ["0", "3"]


def test_a_module_and_a_callable_are_exported(tmp_path, monkeypatch) -> None:
    (tmp_path / "own_module.py").write_text(
        "from torch import nn\ndef build():\n    return nn.Conv2d(2, 4, 3)\n"
    )
    monkeypatch.chdir(tmp_path)
    graph = read_torch_module("own_module:build", input_shapes={"x": (1, 2, 5, 5)})
    assert graph.name == "build" and graph.tensors[graph.outputs[0]].shape == (1, 4, 3, 3)
    with pytest.raises(InputError, match="sizes of an input must be 1 at least"):
        read_torch_module(small_network(), input_shapes={"x": (1, 0)})


def test_writing_in_place_is_followed() -> None:
    from torch.nn import functional

    def call(x):
        y = x + 1
        functional.relu_(y)
        z = y.flatten(1)
        z.mul_(2)
        return z - 1

    module = module_of([call])
    assert max(differences(graph_of(exported(module)), module)) < 1e-6
    shared = module_of([lambda x: (lambda y: (y.flatten(1).mul_(2), y + 1)[1])(x + 1)])
    with pytest.raises(InputError, match=r"must not write into .* export with run_decompositions"):
        graph_of(exported(shared))


def test_what_has_no_translation_keeps_its_name() -> None:
    import torch

    graph = graph_of(
        exported(module_of([lambda x: torch.cumsum(x, 1) + torch.topk(x, 2)[0].mean()]))
    )
    kinds = [operator.kind for operator in graph.operators]
    assert kinds[0] == "cumsum" and "topk" in kinds
    assert graph.notes[0] == "cumsum (cumsum): naas cannot import this operator."


def test_a_batch_is_noted() -> None:
    from torch import nn

    graph = graph_of(exported(nn.Conv2d(3, 4, 3).eval(), (2, 3, 8, 8)))
    assert graph.operators[0].kind == "conv2d" and "batch must be 1, not 2" in graph.notes[0]


def test_half_precision_becomes_single() -> None:
    from torch import nn

    graph = read_torch_module(nn.Linear(4, 2).double(), input_shapes={"x": (1, 4)})
    assert graph.notes == ("Constants of type float64 became float32.",)
    assert {str(tensor.dtype) for tensor in graph.tensors.values()} == {"float32"}


def test_dynamic_sizes_are_refused() -> None:
    import torch

    module = module_of([lambda x: x + 1])
    dynamic = {"x": {0: torch.export.Dim("batch")}}
    program = torch.export.export(module, (torch.zeros(2, 3),), dynamic_shapes=dynamic)
    with pytest.raises(InputError, match="x must have fixed sizes, not dynamic ones"):
        graph_of(program)


def quantised_module():
    import torch
    import torch.ao.quantization.fx._decomposed  # registers the operators
    from torch import nn

    class Quantised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weights", torch.randint(-127, 128, (4, 3, 3, 3)).to(torch.int8))
            self.register_buffer("scales", torch.rand(4) / 100)
            self.register_buffer("zeros", torch.zeros(4, dtype=torch.int64))
            self.bias = nn.Parameter(torch.randn(4))

        def forward(self, x):
            q = torch.ops.quantized_decomposed
            wide = (0.05, 3, -128, 127, torch.int8)
            narrow = (0.1, 3, 0, 127, torch.uint8)
            by_channel = (self.scales, self.zeros, 0, -127, 127, torch.int8)
            x = q.dequantize_per_tensor(q.quantize_per_tensor(x, *wide), *wide)
            w = q.dequantize_per_channel(self.weights, *by_channel)
            y = torch.nn.functional.conv2d(x, w, self.bias)
            return q.dequantize_per_tensor(q.quantize_per_tensor(y, *narrow), *narrow)

    return Quantised()


def test_a_quantised_program_keeps_its_numbers(tmp_path) -> None:
    module = quantised_module()
    graph = read_torch_program(saved(exported(module, SHAPE), tmp_path / "q.pt2"))
    kinds = [operator.kind for operator in graph.operators]
    assert kinds == "quantize dequantize dequantize conv clamp quantize dequantize".split()
    assert graph.operators[2].attributes["axis"] == 0
    assert graph.operators[-1].attributes["dtype"] == "uint8"
    assert max(differences(graph, module, SHAPE)) < 0.04  # a rounding may fall the other way
