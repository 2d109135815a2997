"""A mapping: how the loops of one layer are split over the levels of one accelerator."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from naas_hw.workload.layer import DIMS, Dim, Size

Order = Annotated[tuple[Dim, ...], Field(min_length=6, max_length=6)]


class Bounds(BaseModel):
    """One bound for each dim."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    K: Size = 1
    C: Size = 1
    P: Size = 1
    Q: Size = 1
    R: Size = 1
    S: Size = 1

    def __getitem__(self, dim: Dim) -> int:
        return int(getattr(self, dim))


class Mapping(BaseModel):
    """Orders (outermost first) and bounds of the three temporal levels, and the spatial extents.

    From the inside: the PE's own loops (`pe_order`, `pe`), the used extent of each axis
    (`spatial`), the steps of an L2 tile (`l2_order`, `l2`), the tiles of the layer (`dram_order`;
    their number follows: a dim needs ceil(dim / tile) tiles).

    On a K or C axis the spatial index is innermost, channel = i A + position, and the used extent
    is the smaller of the axis and the dim; on the others it lies outside the PE's loops.

    The accelerator's fields hold at most 65535 indices of a dim, rows, columns and words (of
    weights, of inputs) of an L2 tile; as many tiles of a dim; and 4095 rows and columns of input
    under one step. Tensors and descriptors of all layers share 4 GiB of memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dram_order: Order = DIMS
    l2_order: Order = DIMS
    pe_order: Order = DIMS
    l2: Bounds = Bounds()
    pe: Bounds = Bounds()
    spatial: Bounds = Bounds()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for field in ("dram_order", "l2_order", "pe_order"):
            order = getattr(self, field)
            if sorted(order) != sorted(DIMS):
                raise ValueError(f"{field} must hold each of K C P Q R S once, not {order}")
        return self
