"""The budget of a board: what an accelerator may take of its FPGA, and the memory beside it."""

from typing import Final

from naas_hw.arch.boards import Board
from naas_hw.arch.budget import BUFFER_STEP_BYTES, PE_STEP, Budget, FpgaBudget
from naas_hw.core.errors import InputError

BEAT_BYTES: Final = 8
"""Beat of an accelerator for a board. A wider one costs block memories, and memories of two bytes a
cycle cannot fill it: short searches for SqueezeNet on a ULX3S ended with 14.1 million cycles, and
with 25.2 million where a beat had 16 bytes."""

BLOCK_RAM_BYTES: Final = 2048
"""Bytes of a block memory, its parity bits left out."""

MAX_SCALE_DEPTH: Final = 512
"""Output channels of a K tile, as many as fill block memories of 36 bits."""


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
    limits = fpga.limits
    on_chip_bytes = limits.block_ram * BLOCK_RAM_BYTES
    return Budget(
        name=board.name,
        max_pes=limits.dsp // PE_STEP * PE_STEP,
        on_chip_bytes=on_chip_bytes // BUFFER_STEP_BYTES * BUFFER_STEP_BYTES,
        beat_bytes=BEAT_BYTES,
        dram_latency_cycles=board.dram.latency_cycles,
        dram_beat_period_cycles=board.dram.period(BEAT_BYTES),
        scale_depth=MAX_SCALE_DEPTH,
        clock_hz=round(board.core_megahertz * 1e6),
        fpga=fpga,
        source=f"the board {board.name}: {board.part.device.name}, and {board.dram.description}",
    )
