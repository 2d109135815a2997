"""Weights of a `.pt2` file: read as data, and refused in one sentence where they are wrong."""

import json
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.importers.torch_program import read_torch_program
from naas_hw.workload.frontends.archive_values import read_archive_values

pytestmark = [
    pytest.mark.needs("torch"),
    pytest.mark.filterwarnings("ignore:No complete tensor:UserWarning"),  # of saving a file
]


def saved(module, shape, path):
    import torch

    torch.export.save(torch.export.export(module.eval(), (torch.zeros(shape),)), path)
    return path


def changed(path, name: str, change: Callable[[bytes], bytes], **how):
    """A file with another content of one entry."""
    result = path.with_name("changed.pt2")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(result, "w") as after:
        for entry in before.infolist():
            content = before.read(entry)
            is_it = entry.filename.endswith(name)
            after.writestr(entry.filename, change(content) if is_it else content, **how)
    return result


@pytest.fixture(scope="module")
def linear_file(tmp_path_factory):
    from torch import nn

    path = tmp_path_factory.mktemp("linear") / "net.pt2"
    return saved(nn.Linear(4, 3), (1, 4), path)


def described(**change: object) -> Callable[[bytes], bytes]:
    def edited(content: bytes) -> bytes:
        weights = json.loads(content)
        target = weights["config"]["weight"]
        for key, value in change.items():
            (target if key in target else target["tensor_meta"])[key] = value
        return json.dumps(weights).encode()

    return edited


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"use_pickle": True}, "weight: must be a plain tensor, not one .* pickle"),
        ({"sizes": [{"as_int": 1 << 40}, {"as_int": 4}]}, "must have at least .* bytes"),
        (
            {"strides": [{"as_int": 0}, {"as_int": 0}], "sizes": [{"as_int": 1 << 30}] * 2},
            "no more",
        ),
        ({"strides": [{"as_int": -4}, {"as_int": 1}]}, "sizes must be integers below"),
        ({"sizes": [{"as_int": 3}]}, "must have one stride for each of its 1 sizes"),
        ({"dtype": 99}, "known number format, not 99"),
        ({"path_name": "../weight_9"}, "lacks its values '../weight_9'"),
        ({"path_name": "weight_0", "tensor_meta": 3}, "described as torch.export.save does it"),
    ],
)
def test_wrong_weights_are_refused(change, message, linear_file) -> None:
    path = changed(linear_file, "weights/model_weights_config.json", described(**change))
    with pytest.raises(InputError, match=message):
        read_archive_values(path)


def test_wrong_archives_are_refused(linear_file) -> None:
    short = changed(linear_file, "weights/weight_0", lambda content: content[:-1])
    with pytest.raises(InputError, match="weight: must have at least 48 bytes"):
        read_archive_values(short)
    packed = changed(linear_file, "none", bytes, compress_type=zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="must be stored without compression"):
        read_archive_values(packed)
    big = changed(linear_file, "byteorder", lambda _: b"big")
    with pytest.raises(InputError, match="byte order must be little, not 'big'"):
        read_archive_values(big)
    no_object = changed(linear_file, "weights_config.json", lambda _: b"[]")
    with pytest.raises(InputError, match="must have an object named config"):
        read_archive_values(no_object)
    truncated = linear_file.with_name("truncated.pt2")
    truncated.write_bytes(linear_file.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot read the .pt2 file|must hold one models"):
        read_torch_program(truncated)


def with_result_of_five(content: bytes) -> bytes:
    """The program, its result with more numbers than its weights give."""
    program = json.loads(content)
    sizes = program["graph_module"]["graph"]["tensor_values"]["linear"]["sizes"]
    sizes[1]["as_int"] = 5
    return json.dumps(program).encode()


def test_values_and_graph_must_agree(linear_file) -> None:
    empty = changed(linear_file, "weights_config.json", lambda _: b'{"config": {}}')
    with pytest.raises(InputError, match="weight must have values in the file"):
        read_torch_program(empty)
    smaller = described(sizes=[{"as_int": 2}, {"as_int": 4}])
    other = changed(linear_file, "weights/model_weights_config.json", smaller)
    with pytest.raises(InputError, match=r"weight must have the shape \[3, 4\], not \[2, 4\]"):
        read_torch_program(other)
    wider = changed(linear_file, "models/model.json", with_result_of_five)
    with pytest.raises(InputError, match=r"linear must make \[1, 3\].*, not \[1, 5\]"):
        read_torch_program(wider)
    with pytest.raises(InputError, match="with a .pt2 file, whose sizes are fixed"):
        read_graph(linear_file, input_shapes={"x": (1, 4)})


def test_all_number_formats_are_read(tmp_path) -> None:
    import torch
    from torch import nn

    class Formats(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in "float32 float16 bfloat16 float64 int64 int8 uint8 bool".split():
                values = torch.arange(12).reshape(3, 4).t().to(getattr(torch, name))
                self.register_buffer(f"of_{name}", values)

        def forward(self, x):
            return sum((buffer.float() for buffer in self.buffers()), x)

    values = read_archive_values(saved(Formats(), (1,), tmp_path / "formats.pt2"))
    assert len(values) == 8
    for array in values.values():
        assert np.array_equal(array, np.arange(12).reshape(3, 4).T.astype(array.dtype))
