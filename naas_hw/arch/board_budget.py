"""The budget of a board: what an accelerator may take of its FPGA, and the memory beside it."""

from typing import Final

from naas_hw.arch.boards import Board, BoardDram
from naas_hw.arch.budget import BUFFER_STEP_BYTES, PE_STEP, Budget, FpgaBudget
from naas_hw.core.errors import InputError

MIN_BEAT_BYTES: Final = 4
MAX_BEAT_BYTES: Final = 8
"""Least and most bytes of an accelerator's beat on a board. A wider beat costs LUTs, block memories
and wires: with beats of 8 bytes a whole SoC for a ULX3S did not route, with 4 it did in minutes. In
short searches for SqueezeNet on that board, whose memory moves 2 bytes a cycle, the least cycles
were 12.9 million with beats of 4 bytes, 12.3 million with 8 and 25.2 million with 16."""

BLOCK_RAM_BYTES: Final = 2048
"""Bytes of a block memory, its parity bits left out."""

MAX_SCALE_DEPTH: Final = 512
"""Output channels of a K tile, as many as fill block memories of 36 bits."""


def beat_bytes_beside(dram: BoardDram) -> int:
    """The narrowest beat that takes all that a memory moves, within the bounds of a board."""
    beat_bytes = MIN_BEAT_BYTES
    while beat_bytes < MAX_BEAT_BYTES and beat_bytes * dram.beat_period_cycles < dram.beat_bytes:
        beat_bytes *= 2
    return beat_bytes


def board_budget(board: Board) -> Budget:
    """The budget that a board gives.

    PEs and bytes are what the FPGA has room for at most: each PE takes a multiplier, and the bytes
    are those of the block memories. What the rest of an accelerator takes is a matter of the
    predicted resources, see `naas_hw.cost.fpga`.

    Raises
    ------
    InputError : the board has no memory beside its FPGA.
    """
    if board.dram is None:
        raise InputError(
            f"budget must be a board with `dram`, the memory beside its FPGA, not {board.name}"
        )
    fpga = FpgaBudget(
        board=board.name,
        device=board.device,
        package=board.package,
        speed_grade=board.speed_grade,
    )
    limits, beat_bytes = fpga.limits, beat_bytes_beside(board.dram)
    on_chip_bytes = limits.block_ram * BLOCK_RAM_BYTES
    return Budget(
        name=board.name,
        max_pes=limits.dsp // PE_STEP * PE_STEP,
        on_chip_bytes=on_chip_bytes // BUFFER_STEP_BYTES * BUFFER_STEP_BYTES,
        beat_bytes=beat_bytes,
        dram_latency_cycles=board.dram.latency_cycles,
        dram_beat_period_cycles=board.dram.period(beat_bytes),
        scale_depth=MAX_SCALE_DEPTH,
        clock_hz=round(board.core_megahertz * 1e6),
        fpga=fpga,
        source=f"the board {board.name}: {board.part.device.name}, and {board.dram.description}",
    )
