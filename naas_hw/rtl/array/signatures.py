"""Interfaces of the array: what the networks, compute and drain tell it.

All are seen from the side that drives the array, which has them as `Out`.
"""

from typing import Final

from amaranth.hdl import signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from naas_hw.arch.accelerator import OUTPUT_DIMS, Accelerator
from naas_hw.compiler.fields import COORDINATE_BITS, L2_BITS, L2_BYTE_BITS, PRIVATE_BITS
from naas_hw.rtl.primitives.positions import accumulator_words, positions

GROUP_BITS: Final = 11
"""Bits of the number of a group of positions along an axis."""

MAX_AXES: Final = 3

TARGET_LEAD: Final = 2
"""Cycles from where weights go to the weights: to decode it, and to tell the buffers."""


def accumulator_address_bits(words: int) -> int:
    """Bits of the address of a word among so many in one half of an accumulator."""
    return max(1, (words - 1).bit_length())


def zero_address(*, words: int, lanes: int) -> int:
    """Address of the word of an accumulator that is always zero: behind the two halves.

    The number at address A of half H is at A + H * 2 ** n, where n bits are enough for a half.
    """
    numbers = words * lanes
    return (1 << (numbers - 1).bit_length()) + numbers


class WeightStepSignature(wiring.Signature):
    """The weights of one step, as fill orders them from the weight network.

    Members
    -------
    start : Out, 1 bit; the network begins with the step in the next cycle.
    address : Out, L2_BITS, with `start`; first word of the weights in L2.
    half : Out, 1 bit, with `start`; half of the weight buffers that takes them.
    idle : In, 1 bit, a register; the network may be started: it rests, or this is its last cycle.
    busy : In, 1 bit; the network reads L2 in this cycle.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": Out(1),
                "address": Out(L2_BITS),
                "half": Out(1),
                "idle": In(1, init=1),
                "busy": In(1),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WeightStepSignature)

    def __repr__(self) -> str:
        return "WeightStepSignature()"


class InputStepSignature(wiring.Signature):
    """The inputs of one step, as fill orders them from the input network.

    Members
    -------
    start : Out, 1 bit; the network begins with the step in the next cycle.
    address : Out, L2_BYTE_BITS, with `start`; first byte of the inputs in L2.
    row, column : Out, signed COORDINATE_BITS, with `start`; first pixel in the image.
    half : Out, 1 bit, with `start`; half of the input buffers that takes them.
    idle : In, 1 bit, a register; the network may be started: it rests, or this is its last cycle.
    busy : In, 1 bit; the network reads L2 in this cycle.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": Out(1),
                "address": Out(L2_BYTE_BITS),
                "row": Out(signed(COORDINATE_BITS)),
                "column": Out(signed(COORDINATE_BITS)),
                "half": Out(1),
                "idle": In(1, init=1),
                "busy": In(1),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InputStepSignature)

    def __repr__(self) -> str:
        return "InputStepSignature()"


class WeightDeliverySignature(wiring.Signature):
    """Weights of one cycle: lanes side by side, for one group of positions and one buffer word.

    Where they go is said TARGET_LEAD cycles before they come.

    Parameters
    ----------
    lanes : bytes that are delivered in a cycle.

    Members
    -------
    valid : Out, 1 bit; there are weights TARGET_LEAD cycles later.
    group : Out, GROUP_BITS, one for each axis: the group of positions that takes them.
    address : Out, PRIVATE_BITS; word of the weight buffers.
    data : Out, 8 * lanes bits, TARGET_LEAD cycles later.
    """

    def __init__(self, *, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(
            {
                "valid": Out(1),
                "group": Out(GROUP_BITS).array(MAX_AXES),
                "address": Out(PRIVATE_BITS),
                "data": Out(8 * lanes),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WeightDeliverySignature) and self.lanes == other.lanes

    def __repr__(self) -> str:
        return f"WeightDeliverySignature(lanes={self.lanes})"


class InputDeliverySignature(wiring.Signature):
    """Inputs of one cycle: a chunk of the channels of a pixel.

    Where the chunk goes comes with its read out of L2; its bytes come FILL_PIPELINE cycles later.

    Parameters
    ----------
    conv_lanes, depthwise_lanes : bytes that are delivered in a cycle, by the kind of layer.

    Members
    -------
    valid : Out, 1 bit; a chunk is read in this cycle.
    row_start, row_advance, column_start, column_advance : Out, 1 bit; the next cycle is at the
        first row or column of a step, or at the next one.
    group : Out, GROUP_BITS; the group of channel positions that takes the chunk.
    channel_address : Out, PRIVATE_BITS; of the chunk's first byte among those of its pixel.
    conv_data : Out, 8 * conv_lanes bits, FILL_PIPELINE cycles after `valid`.
    depthwise_data : Out, 8 * depthwise_lanes bits, likewise.
    """

    def __init__(self, *, conv_lanes: int, depthwise_lanes: int) -> None:
        self.conv_lanes = conv_lanes
        self.depthwise_lanes = depthwise_lanes
        super().__init__(
            {
                "valid": Out(1),
                "row_start": Out(1),
                "row_advance": Out(1),
                "column_start": Out(1),
                "column_advance": Out(1),
                "group": Out(GROUP_BITS),
                "channel_address": Out(PRIVATE_BITS),
                "conv_data": Out(8 * conv_lanes),
                "depthwise_data": Out(8 * depthwise_lanes),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InputDeliverySignature) and self.members == other.members

    def __repr__(self) -> str:
        return (
            f"InputDeliverySignature(conv_lanes={self.conv_lanes}, "
            f"depthwise_lanes={self.depthwise_lanes})"
        )


class MultiplicationSignature(wiring.Signature):
    """The multiplication that all PEs start in one cycle.

    Members
    -------
    valid : Out, 1 bit; a multiplication starts in this cycle.
    weight_address, input_address : Out, PRIVATE_BITS; byte addresses of the factors in their
        buffers.
    accumulator_address : Out, PRIVATE_BITS; number to which the product is added.
    first : Out, 1 bit; that number has no value yet.
    half : Out, 1 bit; half of the accumulators.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": Out(1),
                "weight_address": Out(PRIVATE_BITS),
                "input_address": Out(PRIVATE_BITS),
                "accumulator_address": Out(PRIVATE_BITS),
                "first": Out(1),
                "half": Out(1),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiplicationSignature)

    def __repr__(self) -> str:
        return "MultiplicationSignature()"


class AccumulatorReadSignature(wiring.Signature):
    """What drain reads out of the accumulators in one cycle.

    Parameters
    ----------
    accelerator : axes and accumulators.

    Members
    -------
    groups : Out, one bit for each dot-product group that is read.
    lanes : Out, one bit for each lane of a word that is read.
    half : Out, 1 bit; half of the accumulators.
    address : Out, as many bits as the words of one half need.
    words : In, a word of 32 * lanes bits for each position along K modulo `drain_group`,
        MEMORY_LATENCY cycles later; the OR of the groups that are read there, zero where none is.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        lanes = accelerator.accumulator_lanes
        num_groups = len(positions(accelerator, OUTPUT_DIMS))
        super().__init__(
            {
                "groups": Out(num_groups),
                "lanes": Out(lanes),
                "half": Out(1),
                "address": Out(accumulator_address_bits(accumulator_words(accelerator))),
                "words": In(data.ArrayLayout(32 * lanes, accelerator.drain_group)),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulatorReadSignature) and self.members == other.members

    def __repr__(self) -> str:
        widths = {name: member.shape for name, member in self.members.items()}
        return (
            f"AccumulatorReadSignature(groups={widths['groups']}, lanes={widths['lanes']}, "
            f"address_bits={widths['address']})"
        )


class AccumulationSignature(wiring.Signature):
    """The additions of an array, the same for all accumulators that are used.

    What an addition needs comes step by step, counted from the cycle in which its sum is there.
    A number that was added to in the three cycles before has not reached the memory yet: then the
    word that is zero is read, and the total is taken from where it is.

    Parameters
    ----------
    address_bits : bits of the address of a number.

    Members
    -------
    read_address : Out, address_bits, MEMORY_LATENCY cycles before; what the number is read from.
    from_first, from_second, from_third : Out, 1 bit, with `read_address`; the addition one, two or
        three cycles before was the last one to the same number.
    begins : Out, 1 bit, a cycle before; the number has no value yet.
    writes : Out, 1 bit, with the sum; there is an addition.
    write_address : Out, address_bits, a cycle later; after a reset that of the word that is zero.
    """

    def __init__(self, *, address_bits: int) -> None:
        self.address_bits = address_bits
        super().__init__(
            {
                "read_address": Out(address_bits),
                "from_first": Out(1),
                "from_second": Out(1),
                "from_third": Out(1),
                "begins": Out(1),
                "writes": Out(1),
                "write_address": Out(address_bits),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulationSignature) and self.members == other.members

    def __repr__(self) -> str:
        return f"AccumulationSignature(address_bits={self.address_bits})"
