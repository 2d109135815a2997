"""What the registers tell the controller, and what it answers."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.control.status import NUM_ERRORS


class CommandSignature(wiring.Signature):
    """Software's side of a run, seen from the registers.

    Members
    -------
    start : Out, 1 bit, strobe; never while `busy` is high.
    start_while_busy : Out, 1 bit, strobe; a start was refused.
    descriptors : Out, 64 bits; address of the first descriptor of the list.
    num_descriptors : Out, 32 bits.
    busy : In, 1 bit; high from the cycle after `start` to that of `done`.
    done : In, 1 bit, strobe; the list has ended.
    errors : In, a strobe for each bit of the status register.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": Out(1),
                "start_while_busy": Out(1),
                "descriptors": Out(64),
                "num_descriptors": Out(32),
                "busy": In(1),
                "done": In(1),
                "errors": In(NUM_ERRORS),
            }
        )

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __repr__(self) -> str:
        return "CommandSignature()"
