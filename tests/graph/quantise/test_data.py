"""Folders with calibration data: every layout that is accepted, and what is refused."""

import importlib.util
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
from float_networks import NetworkBuilder, residual_network

from naas_hw.core.errors import InputError, ToolError
from naas_hw.graph.quantise.accuracy import accuracy, float_runner
from naas_hw.graph.quantise.data import PictureSettings, read_data, seeded_data
from naas_hw.graph.quantise.quantisation import quantise

GRAPH = residual_network()
IMAGE = np.arange(192, dtype=np.float32).reshape(3, 8, 8)


def test_channels_come_first_or_last_and_values_one_by_one_or_together(tmp_path) -> None:
    np.save(tmp_path / "a.npy", IMAGE)
    np.save(tmp_path / "b.npy", IMAGE[None])
    np.save(tmp_path / "c.npy", IMAGE.transpose(1, 2, 0))
    np.save(tmp_path / "d.npy", np.stack([IMAGE.transpose(1, 2, 0).astype(np.uint8)] * 2))
    np.save(tmp_path / "labels.npy", np.arange(5) % 5)
    (tmp_path / "notes.txt").write_text("no data")
    data = read_data(tmp_path, GRAPH)
    assert len(data.images) == 5 and data.labels is not None and data.labels.tolist() == [*range(5)]
    for image in data.images:
        assert image["x"].shape == (1, 3, 8, 8)
        assert np.array_equal(image["x"][0], IMAGE.astype(image["x"].dtype))


def test_grey_images_need_no_axis_for_their_channel(tmp_path) -> None:
    build = NetworkBuilder()
    graph = build.graph(build.conv(build.image(1, 1, 4, 6), 2))
    np.save(tmp_path / "a.npy", np.arange(24.0).reshape(4, 6))
    np.save(tmp_path / "b.npy", np.arange(48.0).reshape(2, 4, 6))
    assert [x["x"].shape for x in read_data(tmp_path, graph).images] == [(1, 1, 4, 6)] * 3


def test_each_input_has_a_folder_where_there_are_several(tmp_path) -> None:
    build = NetworkBuilder()
    build.image(1, 4)
    build.add_input("y", (1, 4), np.dtype(np.float32))
    total = build.one("add", "x", "y")
    graph = build.finished("net", ["x", "y"], [total])
    for name in "xy":
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", np.zeros((3, 4)))
    assert [sorted(image) for image in read_data(tmp_path, graph).images] == [["x", "y"]] * 3
    np.save(tmp_path / "x" / "b.npy", np.zeros(4))
    with pytest.raises(InputError, match="inputs must have the same number of values"):
        read_data(tmp_path, graph)
    (tmp_path / "y" / "a.npy").unlink()
    (tmp_path / "y").rmdir()
    with pytest.raises(InputError, match="must be a folder with values of the input 'y'"):
        read_data(tmp_path, graph)


def test_wrong_data_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="must be a folder with calibration data"):
        read_data(tmp_path / "none", GRAPH)
    with pytest.raises(InputError, match="must have .npy files or pictures"):
        read_data(tmp_path, GRAPH)
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((4, 8, 8)))
    with pytest.raises(InputError, match=r"the shape \[3, 8, 8\], or \[N, ...\]"):
        read_data(tmp_path, GRAPH)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"must be a .npy file of numbers: "):
        read_data(tmp_path, GRAPH)
    np.save(path, np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"must be a .npy file of numbers: "):
        read_data(tmp_path, GRAPH)
    path.write_bytes(pickle.dumps([1]))
    with pytest.raises(InputError, match=r"must be a .npy file of numbers: "):
        read_data(tmp_path, GRAPH)
    np.save(path, np.array(["text"]))
    with pytest.raises(InputError, match="of real numbers"):
        read_data(tmp_path, GRAPH)


def test_labels_are_one_integer_for_each_value(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.stack([IMAGE] * 3))
    for labels in (np.zeros(2, int), np.zeros(3), np.zeros((3, 1), int)):
        np.save(tmp_path / "labels.npy", labels)
        with pytest.raises(InputError, match="labels must be 3 integers"):
            read_data(tmp_path, GRAPH)


def test_accuracy_is_the_share_of_right_answers() -> None:
    data = seeded_data(GRAPH, 4)
    run = float_runner(GRAPH)
    labels = np.array([run(image).argmax() for image in data.images])
    labels[0] = (labels[0] + 1) % 5
    assert accuracy(run, replace(data, labels=labels)) == 0.75
    with pytest.raises(InputError, match="labels must be 0 to 4, not 7"):
        accuracy(run, replace(data, labels=labels + 7 - labels[0]))
    with pytest.raises(InputError, match=r"labels.npy must be in the folder of the data"):
        accuracy(run, data)


def test_pictures_need_pillow(tmp_path, monkeypatch) -> None:
    (tmp_path / "cat.png").write_bytes(b"no picture")
    monkeypatch.setattr("naas_hw.graph.quantise.data.find_spec", lambda _: None)
    with pytest.raises(ToolError, match=r"pillow must be installed to read cat.png: pip install"):
        read_data(tmp_path, GRAPH)


class FakePicture:
    """What is used of a picture of Pillow's."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def convert(self, mode: str):
        assert mode == "RGB"
        return self

    def resize(self, size: tuple[int, int]):
        assert size == (8, 8)
        return np.full((8, 8, 3), [0, 51, 255], np.uint8)


def test_pictures_become_numbers(tmp_path, monkeypatch) -> None:
    """With a stand-in for Pillow, which need not be installed."""
    (tmp_path / "cat.png").write_bytes(b"")
    stand_in = type("Module", (), {"open": staticmethod(lambda _: FakePicture())})
    monkeypatch.setattr("naas_hw.graph.quantise.data.find_spec", lambda _: object())
    monkeypatch.setattr("naas_hw.graph.quantise.data.import_module", lambda _: stand_in)
    settings = PictureSettings(mean=(0.5,), deviation=(0.5, 1.0, 0.25))
    (image,) = read_data(tmp_path, GRAPH, settings).images
    assert image["x"].shape == (1, 3, 8, 8)
    assert image["x"][0, :, 0, 0] == pytest.approx([-1.0, -0.3, 2.0])


@pytest.mark.skipif(importlib.util.find_spec("PIL") is None, reason="pillow is not installed")
def test_a_damaged_picture_is_refused(tmp_path) -> None:
    (tmp_path / "cat.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="must be a picture"):
        read_data(tmp_path, GRAPH)


@pytest.mark.parametrize("name", ["cat.png", "a.npy"])
def test_what_is_no_regular_file_is_refused(name, tmp_path) -> None:
    """Reading a FIFO would wait for ever."""
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: must be a regular file, not a FIFO"):
        read_data(tmp_path, GRAPH)


def test_numbers_beyond_float32_are_infinite(tmp_path) -> None:
    np.save(tmp_path / "a.npy", IMAGE.astype(np.float64) * 1e300)
    with pytest.raises(InputError, match="'x' must be finite on calibration data"):
        quantise(GRAPH, read_data(tmp_path, GRAPH).images)
