"""What load and store plan: a piece of a tensor, moved in one go."""

from amaranth.lib import data, enum

from naas_hw.compiler.layout import BOUND_BITS, DRAM_BITS, L2_BITS

RUN_BITS = 8  # number of an output run, as far as it can be told from those near it
COMPONENT_SHIFT = 14  # bias, multiplier and shift stand this far apart in a scale address


class Tensor(enum.IntEnum, shape=2):  # type: ignore[call-arg]  # amaranth's own keyword
    """What a piece belongs to, in the order in which a tile loads them."""

    SCALES = 0
    WEIGHTS = 1
    INPUTS = 2
    SUMS = 3


PIECE = data.StructLayout(
    {
        "tensor": Tensor,
        "first": 1,  # of its tile
        "filled": 1,  # after it fill has all that it needs of the tile
        "run": RUN_BITS,  # output run that it belongs to
        "address": DRAM_BITS,
        "blocks": BOUND_BITS,
        "rows": BOUND_BITS,
        "columns": BOUND_BITS,
        "place": L2_BITS,  # first L2 word; of scales: in their own memory
    }
)

STORE_PIECE = data.StructLayout(
    {
        "sums": 1,  # int32, four beats a pixel and block
        "address": DRAM_BITS,
        "blocks": BOUND_BITS,
        "rows": BOUND_BITS,
        "columns": BOUND_BITS,
        "place": L2_BITS,
    }
)
