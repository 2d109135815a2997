"""A small fixed set of triples on which every mutant must show.

Between them: sums out to DRAM and back, sums in L2, several tiles of K, every wait of the engines,
windows of a halo, a depthwise layer, padding with a zero point, bursts that meet a border of
4 KiB, a residual with a table, a maximum, sums of a beat that fill several words of L2, and
weights that use half of their lanes.
"""

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.case import Case
from naas_hw.workload.layer import Kind, Layer

CHANNELS = Accelerator(
    axes=(Axis(dim="C", size=4), Axis(dim="K", size=4)),
    weight_buffer_bytes=16,
    input_buffer_bytes=16,
    accumulator_words=32,
    bank_bytes=2048,
    beat_bytes=8,
    scale_depth=16,
    dram_latency_cycles=12,
)
"""Lanes along C, a tree of four."""

ROWS = Accelerator(
    axes=(Axis(dim="R", size=2), Axis(dim="P", size=3)),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=64,
    bank_bytes=1024,
    beat_bytes=16,
    scale_depth=32,
    dram_latency_cycles=5,
    dram_beat_period_cycles=2,
)
"""A halo: windows of output and kernel rows; channels are bytes of a word."""

SPILLS = Case(
    accelerator=CHANNELS.model_copy(update={"dram_beat_period_cycles": 4}),
    layer=Layer(name="spills", K=24, C=16, P=2, Q=4, R=3, S=1, height=2, width=2, padding=(1, 1)),
    mapping=Mapping(
        dram_order=("K", "C", "P", "Q", "R", "S"),
        l2_order=("K", "C", "P", "R", "S", "Q"),
        pe_order=("K", "P", "Q", "C", "R", "S"),
        pe=Bounds(Q=2),
        spatial=Bounds(K=4, C=4),
        l2=Bounds(K=2, C=2, R=3, Q=2),
    ),
)
"""Every output tile goes out to DRAM as sums once, every accumulator to L2 five times; drain waits
for what comes back."""

STEADY = Case(
    accelerator=CHANNELS,
    layer=Layer(name="steady", K=8, C=8, P=4, Q=4, R=2, S=2, height=4, width=5, padding=(1, 0)),
    mapping=Mapping(
        pe_order=("K", "P", "Q", "C", "R", "S"),
        pe=Bounds(P=2, Q=2, R=2, S=1),
        spatial=Bounds(K=4, C=4),
        l2=Bounds(K=2, C=2, P=1, Q=2, S=2),
    ),
)
"""Consecutive products of one accumulator; more than two runs in a tile."""


def in_turn(name: str, number: int) -> Case:
    """So many accumulators in turn: each comes again after as many cycles."""
    columns = 2 * number
    return Case(
        accelerator=CHANNELS,
        layer=Layer(name=name, K=4, C=4, P=1, Q=columns, R=1, S=2, height=1, width=columns + 1),
        mapping=Mapping(
            pe_order=("C", "R", "S", "K", "P", "Q"),
            pe=Bounds(Q=number, S=2),
            spatial=Bounds(K=4, C=4),
            l2=Bounds(Q=2),
        ),
    )


PAIRS = in_turn("pairs", 2)
TRIPLES = in_turn("triples", 3)

REVISITS = Case(
    accelerator=CHANNELS,
    layer=Layer(name="revisits", K=4, C=16, P=1, Q=2, R=1, S=1, height=1, width=2),
    mapping=Mapping(
        l2_order=("C", "K", "R", "S", "P", "Q"),
        spatial=Bounds(K=4, C=4),
        l2=Bounds(C=4, Q=2),
    ),
)
"""Two outputs in turn, each drained again as soon as its sums are in L2."""

SINGLES = Case(
    accelerator=CHANNELS.model_copy(update={"drain_lanes": 4}),
    layer=Layer(name="singles", K=4, C=4, P=4, Q=4, R=1, S=1, height=4, width=4),
    mapping=Mapping(spatial=Bounds(K=4, C=4), l2=Bounds(P=2, Q=4)),
)
"""Runs of a single beat: drain ends each by the pace of its loop nest."""

LONG = Case(
    accelerator=CHANNELS,
    layer=Layer(name="long", K=4, C=16, P=16, Q=24, height=16, width=24),
    mapping=Mapping(
        pe=Bounds(P=2, Q=2),
        spatial=Bounds(K=4, C=4),
        l2=Bounds(C=4, P=2, Q=12),
    ),
)
"""Rows of pixels that lie across a border of 4 KiB."""

HALO = Case(
    accelerator=ROWS,
    layer=Layer(
        name="halo",
        K=4,
        C=5,
        P=7,
        Q=5,
        R=3,
        S=2,
        height=9,
        width=6,
        stride=(2, 1),
        padding=(3, 2),
        dilation=(1, 2),
    ),
    mapping=Mapping(
        pe=Bounds(K=2, C=5, Q=2, S=2),
        spatial=Bounds(P=3, R=2),
        l2=Bounds(K=2, Q=2, R=2),
    ),
)
"""Ragged in P, Q and R; rows that lie wholly in the padding."""

STORES = Case(
    accelerator=CHANNELS.model_copy(update={"dram_beat_period_cycles": 9}),
    layer=Layer(name="stores", K=16, C=4, P=6, Q=6, height=6, width=6),
    mapping=Mapping(pe=Bounds(Q=2), spatial=Bounds(K=4, C=4), l2=Bounds(K=4, Q=3)),
)
"""More bytes out than in: drain waits for store."""

DEPTHWISE = Case(
    accelerator=CHANNELS,
    layer=Layer(
        name="depthwise",
        kind=Kind.DEPTHWISE,
        K=20,
        C=1,
        P=3,
        Q=4,
        R=2,
        S=3,
        height=3,
        width=4,
        padding=(1, 1),
    ),
    mapping=Mapping(
        pe=Bounds(P=1, Q=2, R=2, S=1),
        spatial=Bounds(K=4, C=1),
        l2=Bounds(K=2, P=3, Q=2, S=3),
    ),
)
"""Channels one by one to the positions of a K axis; the third tile of K waits for its scales."""

EPILOGUE = CHANNELS.model_copy(
    update={
        "residual": True,
        "table": True,
        "maximum": True,
        "single_rounding": True,
        "dram_latency_cycles": 2,
    }
)
"""What may follow the requantisers, and accumulators that keep a maximum."""

RESIDUAL = Case(
    accelerator=EPILOGUE,
    layer=Layer(name="residual", K=16, C=4, P=6, Q=4, height=6, width=4, residual=True, table=True),
    mapping=Mapping(
        dram_order=("S", "K", "R", "P", "C", "Q"),
        l2_order=("Q", "S", "C", "R", "P", "K"),
        pe=Bounds(P=2, Q=2, C=2),
        spatial=Bounds(K=4, C=4),
        l2=Bounds(K=2),
    ),
)
"""More than two output tiles: the load of a residual waits for drain."""

POOL = Case(
    accelerator=EPILOGUE.model_copy(update={"dram_beat_period_cycles": 4}),
    layer=Layer(
        name="pool",
        kind=Kind.DEPTHWISE,
        K=12,
        P=3,
        Q=4,
        R=2,
        height=6,
        width=4,
        stride=(2, 1),
        maximum=True,
        residual=True,
    ),
    mapping=Mapping(pe=Bounds(Q=2, R=2), spatial=Bounds(K=4), l2=Bounds(K=2, P=3)),
)
"""Maxima of two numbers, of which some are below zero; drain waits for a residual."""

ONCE = Case(
    accelerator=EPILOGUE,
    layer=Layer(name="once", K=16, C=4, P=8, Q=8, height=8, width=8, rounds_once=True),
    mapping=Mapping(l2=Bounds(K=4, P=4, Q=8), spatial=Bounds(K=4, C=4)),
)
"""Sums that two roundings make other bytes of than one."""

WIDE = Accelerator(
    axes=(Axis(dim="C", size=2), Axis(dim="K", size=8)),
    weight_buffer_bytes=32,
    input_buffer_bytes=32,
    accumulator_words=32,
    bank_bytes=1024,
    beat_bytes=8,
    drain_lanes=8,
    scale_depth=32,
    dram_latency_cycles=7,
)
"""As many numbers leave the accumulators in a cycle as a beat has bytes."""

PARTS = Case(
    accelerator=WIDE,
    layer=Layer(name="parts", K=16, C=8, P=3, Q=4, height=3, width=4),
    mapping=Mapping(
        l2_order=("C", "K", "P", "Q", "R", "S"),
        pe=Bounds(C=2, Q=4),
        spatial=Bounds(K=8, C=2),
        l2=Bounds(K=2, C=2, P=3),
    ),
)
"""Sums of a beat fill four words of L2; drain takes longer than compute."""

LANES = Case(
    accelerator=WIDE,
    layer=Layer(name="lanes", K=3, C=4, P=3, Q=4, R=2, height=4, width=4),
    mapping=Mapping(
        pe=Bounds(C=2, R=2, Q=4),
        spatial=Bounds(K=3, C=2),
        l2=Bounds(P=3),
    ),
)
"""Four of eight lanes of weights are used; every output is drained once."""

BESIDE = Case(
    accelerator=WIDE.model_copy(
        update={
            "axes": (Axis(dim="P", size=2),),
            "weight_buffer_bytes": 64,
            "accumulator_words": 64,
        }
    ),
    layer=Layer(name="beside", K=24, C=4, P=4, Q=2, height=4, width=2),
    mapping=Mapping(
        l2_order=("C", "K", "P", "Q", "R", "S"),
        pe=Bounds(K=12, C=2, Q=2),
        spatial=Bounds(P=2),
        l2=Bounds(K=2, C=2, P=2),
    ),
)
"""Channels side by side in a bank: half of a word is a beat, and its sums fill two words of L2."""

CASES = {
    case.layer.name: case
    for case in (
        *(SPILLS, STEADY, PAIRS, TRIPLES, REVISITS, SINGLES, LONG, STORES, HALO, DEPTHWISE),
        *(RESIDUAL, POOL, ONCE, PARTS, LANES, BESIDE),
    )
}
