"""A program file says all that a host needs, and a reader believes nothing that it does not say."""

import zlib
from dataclasses import fields

import numpy as np
import pytest
from driver_programs import DIGEST, OTHER_ORDERS, files, orders_of, places_of_records, program_of

from naas_hw.compiler.network_program import Segment
from naas_hw.core.errors import InputError
from naas_hw.driver.decoding import decode
from naas_hw.driver.encoding import encode
from naas_hw.driver.program_file import HostStep, StartStep, program_file_of
from naas_hw.graph.random_graph import random_graph


def assert_equal(one: object, other: object) -> None:
    """Values without an equality of their own: field by field."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert isinstance(other, dict)
        assert list(one) == list(other)
        assert_equal(tuple(one.values()), tuple(other.values()))
    elif isinstance(one, tuple):
        assert isinstance(other, tuple)
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_equal(left, right)
    elif hasattr(one, "__dataclass_fields__"):
        for field in fields(one):  # type: ignore[arg-type]
            if field.name not in ("sources", "macs", "reason"):  # a host needs none of them
                assert_equal(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other


def test_what_is_read_is_what_was_written():
    kinds = set()
    for _, file in files():
        content = encode(file)
        assert_equal(decode(content, digest=DIGEST), file)
        assert encode(decode(content)) == content
        kinds |= {type(step) for step in file.steps}
    assert kinds == {StartStep, HostStep}


def test_steps_and_places_are_those_of_the_network():
    for program, file in files():
        assert file.memory_bytes == program.image.size
        assert file.constants.tobytes() == program.image[: program.writable[0]].tobytes()
        for step, mine in zip(program.steps, file.steps, strict=True):
            if isinstance(step, Segment):
                assert isinstance(mine, StartStep)
                assert mine.descriptor_address == step.descriptor_address
                assert mine.num_descriptors == len(step.calls)
        for name, tensor in file.tensors.items():
            if tensor.place is not None:
                addresses = tensor.place.byte_addresses(tensor.tensor.shape)
                assert np.array_equal(addresses, program.byte_addresses(name))
                assert (tensor.place.first, tensor.place.end) == program.tensor_range(name)


def test_tensors_that_lie_as_another_image_have_a_step_each():
    """Before the host reads one, and behind one that it has."""
    read = written = 0
    for seed in OTHER_ORDERS:
        program = program_of(random_graph(seed))
        file = program_file_of(program, digest=DIGEST)
        images = set(file.tensors) - set(program.lowered.graph.tensors)
        orders = orders_of(file)
        assert images and images == {step.name for step in orders}
        read += sum(step.operator.inputs[0] in images for step in orders)
        written += sum(step.operator.output in images for step in orders)
        assert all(file.tensors[name].place is not None for name in images)
        content = encode(file)
        assert_equal(decode(content, digest=DIGEST), file)
    assert read and written


def test_the_watchdog_has_room_for_the_longest_layer_of_a_start():
    program = program_of(random_graph(0))
    names = [call.layer.name for call in program.lowered.layer_calls]
    file = program_file_of(program, digest=DIGEST, cycles=dict.fromkeys(names, 2049))
    assert {step.watchdog for step in file.steps if isinstance(step, StartStep)} == {5}


def with_checksum(content: bytes) -> bytes:
    return content[:12] + zlib.crc32(content[16:]).to_bytes(4, "little") + content[16:]


def test_a_wrong_file_is_refused_in_a_sentence():
    content = encode(files(1)[0][1])
    for wrong, message in (
        (b"", "must have at least 256 bytes, not 0"),
        (
            content[:-1],
            f"must have {len(content)} bytes, as its header says, not {len(content) - 1}",
        ),
        (b"X" + content[1:], "must begin with b'NAASPROG'"),
        (content[:8] + b"\2" + content[9:], "must have format 1, not 2"),
        (content[:-1] + bytes([content[-1] ^ 1]), "checksum of a program file is wrong"),
    ):
        with pytest.raises(InputError, match=message):
            decode(wrong)
    with pytest.raises(
        InputError, match="must be of the accelerator 0000000000000001, not of 0123"
    ):
        decode(content, digest=1)


def test_no_damage_behind_a_right_checksum_is_more_than_an_error():
    """What is still a program file, with other values, is none of the reader's business."""
    rng = np.random.default_rng(0)
    content = encode(files(6)[5][1])
    places = places_of_records(content)
    for _ in range(400):
        damaged = bytearray(content)
        damaged[rng.choice(places)] = int(rng.integers(256))
        try:
            decode(with_checksum(bytes(damaged)))
        except InputError as error:
            assert "a program file must" in str(error) or "must lie within the file" in str(error)
