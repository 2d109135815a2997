"""A budget: what an accelerator may use, and the memory and clock that it lives with."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import DevicePart, Resources, find_part
from naas_hw.workload.layer import Name

PE_STEP: Final = 8
"""Step in which a budget counts PEs (NAAS, section 2.1)."""

BUFFER_STEP_BYTES: Final = 16
"""Step in which a budget counts memory (NAAS, section 2.1)."""

MIN_BANK_BYTES: Final = 64
"""Of a bank of the global buffer, at least."""

SMALLEST_ARRAY_BYTES: Final = 80
"""Private buffers of the smallest array that a search draws, at least: two PEs with 16 bytes of
weights and of inputs each, and 16 bytes of accumulators."""

Text = Annotated[str, Field(min_length=1, max_length=2000)]


LARGEST_SHARES: Final = {"lut4": 0.6, "ff": 1.0, "dsp": 1.0, "block_ram": 0.8}
"""Resource -> share of an FPGA that an accelerator may take by prediction: what stands beside an
accelerator on a board needs LUTs and block memories."""

LARGEST_ROUTED: Final = {"lut4": 22_000}
"""Resource -> how much an accelerator may take by prediction, however large the FPGA is, so that it
is placed and routed in minutes. On an LFE5U-85F, on one core, routing took 3.5 minutes for 22,291
LUTs, 56 multipliers and 77 block memories, and 17 minutes for 16,496, 144 and 153 (board
ulx3s-85f)."""


def largest_on(part: DevicePart) -> Resources:
    """What an accelerator may take of a part at most, by prediction."""
    available = part.device.resources
    shares = {name: int(share * getattr(available, name)) for name, share in LARGEST_SHARES.items()}
    return Resources(
        **{name: min(most, LARGEST_ROUTED.get(name, most)) for name, most in shares.items()}
    )


class FpgaBudget(BaseModel):
    """The FPGA of a board as a budget: `LARGEST_SHARES` of it, and at most `LARGEST_ROUTED`.

    Parameters
    ----------
    board : name of the board.
    device, package, speed_grade : its FPGA.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    board: Name
    device: str
    package: str
    speed_grade: int

    @property
    def part(self) -> DevicePart:
        """The FPGA."""
        return find_part(self.device, package=self.package, speed_grade=self.speed_grade)

    @property
    def limits(self) -> Resources:
        """What an accelerator may take at most."""
        return largest_on(self.part)


class Budget(BaseModel):
    """Limits of a search; frozen, hashable, checked at construction.

    Area is no limit (as in NAAS): PEs, bytes and bandwidth are; and the FPGA, where there is one.

    Parameters
    ----------
    max_pes : PEs of the array at most, a multiple of 8.
    on_chip_bytes : global buffer and all private buffers together at most, a multiple of 16. The
        scales' memory and the descriptor are not counted: they are the same for all.
    beat_bytes, dram_beat_period_cycles : bandwidth, one beat of so many bytes every so many cycles;
        `beat_bytes` is the width of the L2 ports too.
    dram_latency_cycles : from an address to its first beat.
    num_banks : equal banks of the global buffer; with fewer than 6 not every loop can be split over
        tiles (`naas_hw.mapping.bank_need`).
    scale_depth : output channels whose requantisation parameters one K tile may hold.
    energy_table : name of the table that turns accesses into energy.
    clock_hz : for times in seconds only; the search counts cycles.
    fpga : the FPGA that an accelerator has to fit; the search then minimises milliseconds at the
        predicted clock (`naas_hw.cost.fpga`). None: any chip, and cycles.
    source : where the figures come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    name: Name = "budget"
    max_pes: Annotated[int, Field(ge=PE_STEP, le=65536)]
    on_chip_bytes: Annotated[int, Field(ge=1024, le=256 * 1024 * 1024)]
    beat_bytes: Annotated[int, Field(ge=4, le=32)] = 16
    dram_beat_period_cycles: Annotated[int, Field(ge=1, le=64)] = 1
    dram_latency_cycles: Annotated[int, Field(ge=1, le=1000)] = 50
    num_banks: Annotated[int, Field(ge=3, le=32)] = 8
    scale_depth: Annotated[int, Field(ge=8, le=8192)] = 512
    energy_table: Name = "default"
    clock_hz: Annotated[int, Field(ge=1_000_000, le=10_000_000_000)] = 200_000_000
    fpga: FpgaBudget | None = Field(default=None, exclude_if=lambda fpga: fpga is None)
    source: Text = "not stated"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_pes % PE_STEP:
            raise ValueError(f"max_pes must be a multiple of {PE_STEP}, not {self.max_pes}")
        if self.on_chip_bytes % BUFFER_STEP_BYTES:
            raise ValueError(
                f"on_chip_bytes must be a multiple of {BUFFER_STEP_BYTES}, not {self.on_chip_bytes}"
            )
        if self.beat_bytes not in (4, 8, 16, 32):
            raise ValueError(f"beat_bytes must be 4, 8, 16 or 32, not {self.beat_bytes}")
        least = MIN_BANK_BYTES * self.num_banks + SMALLEST_ARRAY_BYTES
        if self.on_chip_bytes < least:
            raise ValueError(
                f"on_chip_bytes must be at least {least} with {self.num_banks} banks "
                f"({MIN_BANK_BYTES} x num_banks, and {SMALLEST_ARRAY_BYTES} in the smallest "
                f"array), not {self.on_chip_bytes}"
            )
        return self

    @property
    def most_bank_bytes(self) -> int:
        """Bytes of a bank where the array is the smallest."""
        return (self.on_chip_bytes - SMALLEST_ARRAY_BYTES) // self.num_banks

    def violations(self, accelerator: Accelerator) -> list[str]:
        """The limits that an accelerator breaks, in words; empty if it fits."""
        violations = []
        if accelerator.num_pes > self.max_pes:
            violations.append(f"PEs must be at most {self.max_pes}, not {accelerator.num_pes}")
        size_bytes = on_chip_bytes(accelerator)
        if size_bytes > self.on_chip_bytes:
            violations.append(
                f"on-chip bytes must be at most {self.on_chip_bytes}, not {size_bytes}"
            )
        if accelerator.beat_bytes > self.beat_bytes:
            violations.append(
                f"beat_bytes must be at most {self.beat_bytes}, not {accelerator.beat_bytes}"
            )
        if accelerator.dram_beat_period_cycles < self.dram_beat_period_cycles:
            violations.append(
                f"dram_beat_period_cycles must be at least {self.dram_beat_period_cycles}, "
                f"not {accelerator.dram_beat_period_cycles}"
            )
        return violations


def on_chip_bytes(accelerator: Accelerator) -> int:
    """What a budget counts: the global buffer and all private buffers."""
    return accelerator.global_buffer_bytes + accelerator.private_buffer_bytes
