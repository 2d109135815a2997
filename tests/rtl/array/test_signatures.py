# amaranth: UnusedElaboratable=no
"""Interfaces of the array join their other ends, and are equal where their parameters are."""

from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect, flipped

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.rtl.array.signatures import (
    AccumulationSignature,
    AccumulatorReadSignature,
    InputDeliverySignature,
    InputStepSignature,
    MultiplicationSignature,
    WeightDeliverySignature,
    WeightStepSignature,
    accumulator_address_bits,
)


def accelerator(columns: int) -> Accelerator:
    return Accelerator(
        axes=(Axis(dim="C", size=2), Axis(dim="K", size=columns)),
        weight_buffer_bytes=16,
        input_buffer_bytes=16,
        accumulator_words=16,
        bank_bytes=256,
        beat_bytes=8,
        scale_depth=64,
    )


SIGNATURES: list[tuple[Any, dict[str, Any], dict[str, Any] | None]] = [
    (WeightStepSignature, {}, None),
    (InputStepSignature, {}, None),
    (WeightDeliverySignature, {"lanes": 2}, {"lanes": 4}),
    (
        InputDeliverySignature,
        {"conv_lanes": 2, "depthwise_lanes": 4},
        {"conv_lanes": 4, "depthwise_lanes": 4},
    ),
    (MultiplicationSignature, {}, None),
    (
        AccumulatorReadSignature,
        {"accelerator": accelerator(2)},
        {"accelerator": accelerator(4)},
    ),
    (AccumulationSignature, {"address_bits": 3}, {"address_bits": 4}),
]


@pytest.mark.parametrize(("kind", "parameters", "others"), SIGNATURES)
def test_it_joins_its_other_end(
    kind: Any, parameters: dict[str, Any], others: dict[str, Any] | None
) -> None:
    signature = kind(**parameters)
    connect(Module(), signature.create(), flipped(signature.create()))


@pytest.mark.parametrize(("kind", "parameters", "others"), SIGNATURES)
def test_equal_parameters_are_equal_signatures(
    kind: Any, parameters: dict[str, Any], others: dict[str, Any] | None
) -> None:
    assert kind(**parameters) == kind(**parameters)
    assert repr(kind(**parameters)).startswith(kind.__name__)
    assert others is None or kind(**parameters) != kind(**others)


@pytest.mark.parametrize(("words", "bits"), [(1, 1), (2, 1), (3, 2), (8, 3), (9, 4)])
def test_an_address_has_just_enough_bits_and_at_least_one(words: int, bits: int) -> None:
    assert accumulator_address_bits(words) == bits
