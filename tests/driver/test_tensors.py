"""Inputs and outputs in memory: the numbers of the model, in each layout and type."""

from dataclasses import replace

import numpy as np
import pytest
from driver_programs import files

from naas_hw.core.errors import InputError
from naas_hw.driver.program_file import FileTensor, MemoryPlace
from naas_hw.driver.tensors import ImageLayout, pack_input, read_tensor, unpack_output
from naas_hw.graph.integer_execution import image_of, model_values
from naas_hw.graph.quantised import QuantisedTensor

IMAGE = QuantisedTensor(
    name="x", shape=(3, 4, 6), scale=0.5, zero_point=-3, graph_shape=(1, 3, 4, 6)
)
FOLDED = MemoryPlace(
    address=16,
    row_pitch=64,
    pixel_pitch=16,
    fold=(2, 2),
    channel_offsets=np.array([1, 3, 0, 2, 4, 5, 9, 8, 7, 12, 11, 10], np.uint32).reshape(2, 2, 3),
    first=16,
    end=144,
)


def folded(**changes: object) -> FileTensor:
    return FileTensor(tensor=replace(IMAGE, **changes), place=FOLDED)  # type: ignore[arg-type]


def memory() -> np.ndarray:
    return np.full(160, 0x55, np.uint8)


def real_image() -> np.ndarray:
    return np.random.default_rng(0).uniform(-70, 70, IMAGE.graph_shape).astype(np.float32)


def test_numbers_stand_where_the_reader_of_the_file_says():
    for _, file in files(8):
        rng = np.random.default_rng(0)
        space = np.zeros(file.memory_bytes, np.uint8)
        for name in file.inputs:
            tensor = file.tensors[name]
            if tensor.place is not None:
                values = rng.integers(-128, 128, tensor.tensor.graph_shape, np.int8)
                pack_input(tensor, values, space)
                assert np.array_equal(read_tensor(tensor, space), image_of(tensor.tensor, values))
                assert np.array_equal(unpack_output(tensor, space, dtype="int8"), values)


def test_a_folded_image_has_its_zero_point_between_its_numbers():
    space, values = memory(), real_image()
    pack_input(folded(), values, space)
    image = image_of(IMAGE, values)
    for row, column, channel in ((0, 0, 0), (3, 5, 2), (2, 1, 1)):
        offset = int(FOLDED.channel_offsets[row % 2, column % 2, channel])
        place = 16 + row // 2 * 64 + column // 2 * 16 + offset
        assert space[place] == int(image[channel, row, column]) & 0xFF
    assert set(space[:16]) == set(space[144:]) == {0x55}
    assert {int(space[16 + beat * 16 + lane]) for beat in range(8) for lane in (6, 13, 15)} == {
        -3 & 0xFF
    }


def test_an_image_may_come_and_go_in_either_layout():
    values = real_image()
    turned = values.transpose(0, 2, 3, 1)
    expected = model_values(IMAGE, image_of(IMAGE, values))
    for tensor, own, other in (
        (folded(), values, turned),
        (folded(graph_shape=(1, 4, 6, 3), channels_last=True), turned, values),
    ):
        layouts = (ImageLayout.NCHW, ImageLayout.NHWC)
        last = tensor.tensor.channels_last
        for given, layout in ((own, None), (own, layouts[last]), (other, layouts[not last])):
            space = memory()
            pack_input(tensor, given, space, layout=layout)
            result = unpack_output(tensor, space, layout=ImageLayout.NCHW)
            assert np.array_equal(result, expected)
            result = unpack_output(tensor, space, layout=layout)
            assert result.shape == given.shape


def test_types():
    space = memory()
    tensor = folded(graph_dtype="uint8")
    values = np.random.default_rng(1).integers(0, 256, IMAGE.graph_shape, np.uint8)
    pack_input(tensor, values, space)
    assert np.array_equal(unpack_output(tensor, space), values)
    moved = (values.astype(np.int16) - 128).astype(np.int8)
    assert np.array_equal(unpack_output(tensor, space, dtype="int8"), moved)
    reals = (moved.astype(np.float32) + 3) * 0.5
    assert np.array_equal(unpack_output(tensor, space, dtype="float32"), reals)
    with pytest.raises(InputError, match="output 'x' must be float32, int8 or uint8, not int16"):
        unpack_output(tensor, space, dtype="int16")
    with pytest.raises(InputError, match="input 'x' must be float32 or int8, not uint8"):
        pack_input(folded(), values, space)
    with pytest.raises(InputError, match="'x' must lie in memory: the host keeps it"):
        pack_input(FileTensor(tensor=IMAGE, place=None), values, space)
