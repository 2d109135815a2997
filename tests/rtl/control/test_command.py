# amaranth: UnusedElaboratable=no
"""The command is the same on both of its sides."""

from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from naas_hw.rtl.control.command import CommandSignature
from naas_hw.rtl.control.status import FINDINGS, NUM_ERRORS, Error


def test_two_sides_connect() -> None:
    assert CommandSignature() == CommandSignature()
    assert repr(CommandSignature()) == "CommandSignature()"
    registers = CommandSignature().create(path=("registers",))
    controller = CommandSignature().flip().create(path=("controller",))
    connect(Module(), registers, controller)


def test_every_error_has_a_bit_of_the_status() -> None:
    assert len(CommandSignature().create().errors) == NUM_ERRORS
    assert sorted(Error) == list(range(len(Error))) and len(Error) <= NUM_ERRORS
    assert len(set(FINDINGS)) == len(FINDINGS)
