"""Area of an accelerator: the sum of its parts."""

from math import prod
from typing import Final

from pydantic import BaseModel, ConfigDict

from naas_hw.arch.accelerator import OUTPUT_DIMS, SUM_BYTES, Accelerator
from naas_hw.arch.technology.figures import DALLY, Entry
from naas_hw.arch.technology.published import REGISTER_FILE_BYTES
from naas_hw.arch.technology.tables import scale_bytes
from naas_hw.workload.option import TABLE_SIZE

_NANGATE: Final = "Nangate 45 nm open cell library"


class AreaTable(BaseModel):
    """Square micrometres of the parts; frozen. An estimate to compare designs by, no more.

    Memories, multipliers, adders and pipeline registers are counted; engines, networks, wires,
    pads and what placement leaves empty are not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    node_nm: float = 45
    sram_bit: Entry = Entry(
        value=0.65,
        source="6T cell 0.346 um2 (Intel 45 nm, K. Mistry et al., IEDM 2007). Assumption: half of "
        "a macro is cells; Intel's test chip of 153 Mb has 119 mm2, 0.74 um2 a bit with all else",
    )
    register_file_bit: Entry = Entry(
        value=6.384,
        source=f"{_NANGATE}: flip-flop DFF_X1 4.522 um2, and a MUX2_X1 1.862 um2 a bit to read it",
    )
    register_file_bytes: Entry = REGISTER_FILE_BYTES
    multiply_8_bits: Entry = Entry(value=282.0, source=f"{DALLY}: 8-bit multiplication 282 um2")
    add_32_bits: Entry = Entry(value=137.0, source=f"{DALLY}: 32-bit addition 137 um2")
    register_bit: Entry = Entry(value=4.522, source=f"{_NANGATE}: flip-flop DFF_X1 4.522 um2")
    multiply_9_by_16_bits: Entry = Entry(
        value=634.5,
        source=f"{DALLY}: 8-bit multiplication 282 um2. Assumption: in proportion to the product "
        "of the widths",
    )
    epilogue_bits_per_lane: Entry = Entry(
        value=160.0,
        source="estimate: differences of 9 bits, 16-bit factors, products of 25 bits, their sum "
        "and its shift and clamp, each behind a register",
    )
    compare_32_bits: Entry = Entry(
        value=196.6,
        source=f"{DALLY}: a comparison taken as a 32-bit addition, 137 um2; {_NANGATE}: MUX2_X1 "
        "1.862 um2 a bit to choose",
    )
    multiply_32_by_31_bits: Entry = Entry(
        value=4371.0,
        source=f"{DALLY}: 8-bit multiplication 282 um2. Assumption: in proportion to the product "
        "of the widths",
    )
    requantiser_bits: Entry = Entry(
        value=464.0, source="flip-flops of a requantiser, by yosys synth_ecp5"
    )
    pipeline_bits_per_pe: Entry = Entry(
        value=35.0, source="flip-flops per MAC of an 8 x 8 array with its registers in the DSP"
    )

    @property
    def sources(self) -> dict[str, str]:
        """Entry -> where it comes from."""
        named = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: entry.source for name, entry in named if isinstance(entry, Entry)}

    def memory_um2(self, size_bytes: float) -> float:
        """Area of one memory: a register file if it is small, SRAM if not."""
        small = size_bytes <= self.register_file_bytes.value
        bit = self.register_file_bit if small else self.sram_bit
        return 8 * size_bytes * bit.value

    def area_um2(self, accelerator: Accelerator) -> dict[str, float]:
        """Part -> area; the accelerator's is their sum. Optional parts are there if they are."""
        groups = prod(axis.size for axis in accelerator.axes if axis.dim in OUTPUT_DIMS)
        pes = accelerator.num_pes
        return {
            "weight_buffers": pes * self.memory_um2(accelerator.weight_buffer_bytes),
            "input_buffers": pes * self.memory_um2(accelerator.input_buffer_bytes),
            "accumulators": groups * self.memory_um2(accelerator.accumulator_words * SUM_BYTES),
            "global_buffer": accelerator.num_banks * self.memory_um2(accelerator.bank_bytes),
            "scales": self.memory_um2(scale_bytes(accelerator)),
            "requantisers": accelerator.drain_lanes * self._requantiser_um2(),
            "multipliers": pes * self.multiply_8_bits.value,
            "adders": pes * self.add_32_bits.value,  # in the trees, and one a group behind them
            "pipeline": pes * self.pipeline_bits_per_pe.value * self.register_bit.value,
            **self._optional_um2(accelerator, groups),
        }

    def _requantiser_um2(self) -> float:
        """A product, and three sums: of the bias, of the product's parts, and to round."""
        registers = self.requantiser_bits.value * self.register_bit.value
        return self.multiply_32_by_31_bits.value + 3 * self.add_32_bits.value + registers

    def _optional_um2(self, accelerator: Accelerator, groups: int) -> dict[str, float]:
        """Pitches and one rounding add nothing that is counted: a few registers."""
        lanes = accelerator.drain_lanes
        epilogue = self.epilogue_bits_per_lane.value * self.register_bit.value
        if accelerator.residual:
            epilogue += 2 * self.multiply_9_by_16_bits.value + 2 * self.add_32_bits.value
        parts = {}
        if accelerator.has_epilogue:
            parts["epilogue"] = lanes * epilogue
        if accelerator.table:
            parts["tables"] = lanes * self.memory_um2(TABLE_SIZE)
        if accelerator.maximum:
            parts["maximum"] = groups * accelerator.accumulator_lanes * self.compare_32_bits.value
        return parts


AREA: Final = AreaTable()
