"""Published accelerators in this template, and budgets of the same size.

A preset has the array, dataflow and buffer sizes of the published one; what surrounds them (banks,
double buffering, five engines) is this template's. The budget of that name holds exactly the
preset's resources, so a search under it and its baseline have the same.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.budget import Budget, on_chip_bytes
from naas_hw.core.errors import InputError
from naas_hw.workload.layer import Dim
from naas_hw.workload.option import Option


class Dataflow(StrEnum):
    """What a published accelerator keeps still in its PEs."""

    WEIGHT_STATIONARY = "weight-stationary"
    ROW_STATIONARY = "row-stationary"
    OUTPUT_STATIONARY = "output-stationary"


class Preset(BaseModel):
    """An accelerator with the dataflow of its fixed mappings, and the source of its figures.

    Parameters
    ----------
    folding_dims : dims that the chip's network can spread over its PEs, another choice of them for
        each layer; empty where the chip has one array for all layers. What folding can bring is in
        `naas_hw.arch.folding`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accelerator: Accelerator
    dataflow: Dataflow
    clock_hz: int
    source: str
    folding_dims: tuple[Dim, ...] = ()

    def with_options(self, options: Iterable[Option]) -> "Preset":
        """The same with optional hardware, for networks that need it."""
        return self.model_copy(update={"accelerator": self.accelerator.with_options(options)})

    @property
    def budget(self) -> Budget:
        """The resources of the preset."""
        accelerator = self.accelerator
        return Budget(
            name=accelerator.name,
            max_pes=accelerator.num_pes,
            on_chip_bytes=on_chip_bytes(accelerator),
            beat_bytes=accelerator.beat_bytes,
            dram_beat_period_cycles=accelerator.dram_beat_period_cycles,
            dram_latency_cycles=accelerator.dram_latency_cycles,
            num_banks=accelerator.num_banks,
            scale_depth=accelerator.scale_depth,
            clock_hz=self.clock_hz,
            source=self.source,
        )


EYERISS: Final = Preset(
    accelerator=Accelerator(
        name="eyeriss",
        axes=(Axis(dim="R", size=12), Axis(dim="P", size=14)),
        weight_buffer_bytes=448,  # 224 weights a PE, twice; 448 B in the chip, of 16 bits
        input_buffer_bytes=24,  # 12 inputs a PE, twice; 24 B in the chip
        accumulator_words=144,  # 168 PEs x 48 B of sums, in one bank for each of 14 trees
        num_banks=8,
        bank_bytes=13824,  # 108 KB
        beat_bytes=8,  # 64 bits off chip, and between global buffer and array
    ),
    dataflow=Dataflow.ROW_STATIONARY,
    clock_hz=200_000_000,
    source=(
        "Chen, Krishna, Emer, Sze: Eyeriss, JSSC 52(1), 2017: 12 x 14 PEs, 108 KB global buffer, "
        "448 + 24 + 48 B in a PE, 64-bit bus, 200 MHz. Row stationary: kernel rows along one axis, "
        "output rows along the other. One beat a cycle and 50 cycles of latency are a choice: the "
        "chip's link ran at up to 90 MHz, NAAS leaves bandwidth off chip practically unlimited."
    ),
    # A PE keeps a row of a kernel and of the image, so S and Q stay inside it; sets of R x P PEs
    # are repeated over channels and kernels.
    folding_dims=("R", "K", "C", "P"),
)

NVDLA_256: Final = Preset(
    accelerator=Accelerator(
        name="nvdla-256",
        axes=(Axis(dim="C", size=16), Axis(dim="K", size=16)),
        weight_buffer_bytes=64,
        input_buffer_bytes=256,
        accumulator_words=512,
        num_banks=8,
        bank_bytes=16384,  # 128 KB, as the convolution buffer of nv_small_256
        beat_bytes=16,
    ),
    dataflow=Dataflow.WEIGHT_STATIONARY,
    clock_hz=1_000_000_000,
    source=(
        "NVDLA, hw/spec/defs/nv_small_256.spec: 256 MACs, 32 x 32 x 128 B = 128 KB of convolution "
        "buffer. A choice: C 16 x K 16 instead of 32 x 8, 16 bytes a cycle instead of 8 "
        "(NVDLA: 8 to 32), PE buffers that let a 3x3 tile stay while 16 or more pixels pass, "
        "50 cycles of latency. Clock: the 1 GHz that nvdla.org/primer quotes."
    ),
)

NVDLA_1024: Final = Preset(
    accelerator=Accelerator(
        name="nvdla-1024",
        axes=(Axis(dim="C", size=64), Axis(dim="K", size=16)),
        weight_buffer_bytes=64,
        input_buffer_bytes=256,
        accumulator_words=512,
        num_banks=8,
        bank_bytes=65536,  # 512 KB
        beat_bytes=32,
    ),
    dataflow=Dataflow.WEIGHT_STATIONARY,
    clock_hz=1_000_000_000,
    source=(
        "NVDLA v1 (nvdla.org/hw/v1): 1024 MACs of 16 bits as 64 (C) x 16 (K), 512 KB of "
        "convolution buffer, 256-bit memory interface, as in hw/spec/defs/nv_large.spec (64 wide "
        "in C too). "
        "64 x 16 and not 32 x 32, because NVDLA's full size is 64 wide in C. A choice: PE buffers, "
        "50 cycles of latency. Clock: the 1 GHz that nvdla.org/primer quotes."
    ),
)

SHIDIANNAO: Final = Preset(
    accelerator=Accelerator(
        name="shidiannao",
        axes=(Axis(dim="P", size=8), Axis(dim="Q", size=8)),
        weight_buffer_bytes=128,
        input_buffer_bytes=128,
        accumulator_words=64,  # with weights and inputs 512 B a PE: 32 KB
        num_banks=8,
        bank_bytes=32768,  # 256 KB: NBin 64, NBout 64, SB 128
        beat_bytes=16,  # eight neurons of 16 bits a cycle
    ),
    dataflow=Dataflow.OUTPUT_STATIONARY,
    clock_hz=1_000_000_000,
    source=(
        "Du et al.: ShiDianNao, ISCA 2015: 8 x 8 PEs, NBin 64 KB, NBout 64 KB, SB 128 KB, IB 32 KB "
        "(288 KB), 1 GHz, output stationary. A choice: the 32 KB of instructions, which this "
        "template does not have, are the PEs' private buffers; DRAM as fast as NBin is read, "
        "50 cycles of latency (the chip sat beside a sensor)."
    ),
)

EDGETPU: Final = Preset(
    accelerator=Accelerator(
        name="edgetpu",
        axes=(Axis(dim="C", size=64), Axis(dim="K", size=64)),
        weight_buffer_bytes=64,
        input_buffer_bytes=512,
        accumulator_words=1024,
        num_banks=8,
        bank_bytes=720896,  # what 8 MB leave: 5.5 MB
        beat_bytes=32,
    ),
    dataflow=Dataflow.WEIGHT_STATIONARY,
    clock_hz=480_000_000,
    source=(
        "coral.ai: Edge TPU, 4 TOPS, about 8 MB on chip; 64 x 64 MACs at 480 MHz give "
        "3.9 TOPS (Google publishes neither array nor clock; this is the usual estimate). Coral's "
        "LPDDR4 of 12.8 GB/s would be 27 bytes a cycle, here 32. A choice: how the 8 MB are split, "
        "50 cycles of latency."
    ),
)

EDGETPU_16X16: Final = Preset(
    accelerator=EDGETPU.accelerator.model_copy(
        update={
            "name": "edgetpu-16x16",
            "axes": (Axis(dim="C", size=16), Axis(dim="K", size=16)),
            "bank_bytes": EDGETPU.accelerator.bank_bytes // 16,
        }
    ),
    dataflow=EDGETPU.dataflow,
    clock_hz=EDGETPU.clock_hz,
    source=(
        "The preset edgetpu SCALED DOWN to 16 x 16 of its 64 x 64 PEs and a sixteenth of its "
        "global buffer, to be simulated: what it shows of cycles is not true of the whole one. "
        + EDGETPU.source
    ),
)

PRESETS: Final = {
    preset.accelerator.name: preset
    for preset in (EYERISS, NVDLA_256, NVDLA_1024, SHIDIANNAO, EDGETPU, EDGETPU_16X16)
}


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises
    ------
    InputError : no such preset.
    """
    if name not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(PRESETS)}, not {name!r}")
    return PRESETS[name]
