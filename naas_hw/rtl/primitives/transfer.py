"""What load and store plan: a transfer of a part of a tensor between DRAM and the chip."""

from dataclasses import dataclass
from typing import Final

from amaranth.hdl import ShapeLike, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.fields import BOUND_BITS, DRAM_BITS, L2_BITS, Quantity, quantity_bits
from naas_hw.workload.option import TABLE_SIZE

RUN_BITS = 8  # low bits of the output run's number; enough to tell runs in flight apart
COMPONENT_SHIFT = 14  # bias, multiplier and shift stand this far apart in a scale address


class Tensor(enum.IntEnum, shape=2):  # type: ignore[call-arg]  # amaranth's own keyword
    """What a transfer loads; a tile loads its tensors in this order."""

    SCALES = 0
    WEIGHTS = 1
    INPUTS = 2
    PARTIAL_SUMS = 3


class OptionalTensor(enum.IntEnum, shape=3):  # type: ignore[call-arg]  # amaranth's own keyword
    """The same where there is optional hardware; `LoadOptions` has the order."""

    SCALES = 0
    WEIGHTS = 1
    INPUTS = 2
    PARTIAL_SUMS = 3
    TABLE = 4
    RESIDUAL = 5


class LoadTag(data.Struct):
    """What a load is for, from its plan to its last beat.

    Members
    -------
    tensor : what is loaded.
    opens_tile : it is the first transfer of its tile.
    releases_fill : after it, fill has all that it needs of the tile.
    output_run : low bits of the number of the output run to which its tile belongs.
    """

    tensor: Tensor
    opens_tile: unsigned(1)
    releases_fill: unsigned(1)
    output_run: unsigned(RUN_BITS)


class LoadTransfer(data.Struct):
    """A box of beats that is read from DRAM.

    Members
    -------
    tag : what it is for.
    dram_address : first beat in DRAM.
    blocks, rows, columns : extents of the box.
    destination : first word in L2; of scales, the first word in the scale memory.
    """

    tag: LoadTag
    dram_address: unsigned(DRAM_BITS)
    blocks: unsigned(BOUND_BITS)
    rows: unsigned(BOUND_BITS)
    columns: unsigned(BOUND_BITS)
    destination: unsigned(L2_BITS)


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """What load brings beyond scales, weights, inputs and partial sums.

    Parameters
    ----------
    table_words : beats of a table, 0 where there are no tables.
    residual : whether there are residuals.
    pitched : whether the pixels of a residual can be apart in DRAM.
    """

    table_words: int = 0
    residual: bool = False
    pitched: bool = False

    @classmethod
    def of(cls, accelerator: Accelerator) -> "LoadOptions":
        """Those of an accelerator."""
        return cls(
            table_words=TABLE_SIZE // accelerator.beat_bytes if accelerator.table else 0,
            residual=accelerator.residual,
            pitched=accelerator.residual and accelerator.pitched_store,
        )

    @property
    def order(self) -> tuple[int, ...]:
        """What a tile loads, in its order."""
        table = (OptionalTensor.TABLE,) if self.table_words else ()
        residual = (OptionalTensor.RESIDUAL,) if self.residual else ()
        return (
            *table,
            Tensor.SCALES,
            Tensor.WEIGHTS,
            Tensor.INPUTS,
            *residual,
            Tensor.PARTIAL_SUMS,
        )

    @property
    def tensor(self) -> type[Tensor] | type[OptionalTensor]:
        """The numbers of what is loaded."""
        return OptionalTensor if self.table_words or self.residual else Tensor

    def tagged(self, load: type[data.Struct]) -> type[data.Struct] | data.StructLayout:
        """The shape of a load with a `tag`, which has what the options need.

        With residuals the tag has one field more, `releases_drain`: after this transfer, drain has
        all that it needs of the output run.
        """
        if self.tensor is Tensor:
            return load
        releases = {"releases_drain": 1} if self.residual else {}
        tag = data.StructLayout(_fields(LoadTag) | {"tensor": self.tensor} | releases)
        return data.StructLayout(_fields(load) | {"tag": tag})


def _fields(struct: type[data.Struct]) -> dict[str, ShapeLike]:
    return {name: field.shape for name, field in data.Layout.cast(struct)}


NO_OPTIONS: Final = LoadOptions()


def extent_bits(accelerator: Accelerator) -> int:
    """Bits of an extent of a transfer: of a tile in L2, of scales, or of a table."""
    bits = quantity_bits(accelerator)
    table_words = LoadOptions.of(accelerator).table_words
    most = max(bits[Quantity.TILE], bits[Quantity.NEED_SCALES], table_words.bit_length())
    return min(most, BOUND_BITS)


def check_extent_bits(bits: int) -> None:
    """Raises ValueError where an extent does not fit its field, or has no room for scales."""
    if not 2 <= bits <= BOUND_BITS:
        raise ValueError(f"extent_bits must be 2 to {BOUND_BITS}, not {bits}")


def check_l2_bits(bits: int) -> None:
    """Raises ValueError where a distance in L2 does not fit its field."""
    if not 1 <= bits <= L2_BITS:
        raise ValueError(f"l2_bits must be 1 to {L2_BITS}, not {bits}")


class StoreTransfer(data.Struct):
    """An output tile that is written to DRAM.

    Members
    -------
    partial_sums : it holds partial sums of 32 bits, four beats a pixel and block; else bytes.
    dram_address : first beat in DRAM.
    blocks, rows, columns : extents of the tile.
    l2_address : first word in L2.
    """

    partial_sums: unsigned(1)
    dram_address: unsigned(DRAM_BITS)
    blocks: unsigned(BOUND_BITS)
    rows: unsigned(BOUND_BITS)
    columns: unsigned(BOUND_BITS)
    l2_address: unsigned(L2_BITS)


class StoredRunSignature(wiring.Signature):
    """Load asks whether the partial sums of an earlier output run have reached DRAM.

    Members
    -------
    ask : Out, 1 bit.
    output_run : Out, RUN_BITS; the run that asks. It reads what the run before last has stored.
    stored : In, 1 bit; the answer, one cycle later; low where nothing was asked.
    """

    def __init__(self) -> None:
        super().__init__({"ask": Out(1), "output_run": Out(RUN_BITS), "stored": In(1)})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __repr__(self) -> str:
        return "StoredRunSignature()"
