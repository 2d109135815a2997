"""Timeloop's own inputs and counts (`tests/data`), and our values for the same designs."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.exchange.timeloop_architecture import Attributes
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import Layer

FILE = Path(__file__).parents[1] / "data" / "timeloop_cases.json"
CASES = {case["name"]: case for case in json.loads(FILE.read_text(encoding="utf-8"))["cases"]}
WORD_BITS = 16
BEAT = 4  # elements of a row of 64 bits

AXES = {
    "ws_small_4x4": (("K", 4), ("C", 4)),
    "ws_small_4x4_noelision": (("K", 4), ("C", 4)),
    "os_small_4x4": (("P", 4), ("Q", 4)),
    "rs_eyeriss168_rn50_56x56_64_64_3x3": (("P", 14), ("S", 3), ("K", 4)),
    "rs_eyeriss168_rn50_56x56_64_64_3x3_nolink": (("P", 14), ("S", 3), ("K", 4)),
    "ws_16x16_rn50_14x14_256_256_3x3": (("C", 16), ("K", 16)),
    "ws_16x16_rn50_14x14_256_256_3x3_bwbound": (("C", 16), ("K", 16)),
}
"""As each case's description says: the first along X, the others along Y."""
LAYERS = {
    "ws_small": {"K": 16, "C": 16, "P": 14, "Q": 14, "R": 3, "S": 3},
    "os_small": {"K": 16, "C": 16, "P": 16, "Q": 16, "R": 3, "S": 3},
    "rs_eyeriss168": {"K": 64, "C": 64, "P": 56, "Q": 56, "R": 3, "S": 3},
    "ws_16x16": {"K": 256, "C": 256, "P": 14, "Q": 14, "R": 3, "S": 3},
}


def parsed(text: str) -> Any:
    return YAML(typ="safe").load(text)


def start_of(name: str) -> str:
    return next(start for start in LAYERS if name.startswith(start))


@dataclass(frozen=True)
class Reference:
    """Our values for one case, written from its description, not from its files."""

    geometry: Geometry
    attributes: Attributes


def reference(name: str) -> Reference:
    bounds = LAYERS[start_of(name)]
    layer = Layer(
        name="layer",
        **bounds,
        height=bounds["P"] + bounds["R"] - 1,
        width=bounds["Q"] + bounds["S"] - 1,
    )
    large = name.startswith("rs")  # 256 words in a PE, else 64
    accelerator = Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in AXES[name]),
        weight_buffer_bytes=128 if large else 24,
        input_buffer_bytes=64 if large else 24,
        accumulator_words=64 if large else 16,
        bank_bytes=16384 * BEAT // 8,
        beat_bytes=BEAT,
        weight_lanes=1,
        input_lanes=1,
    )
    bound = name.endswith("bwbound")
    attributes = Attributes(
        word_bits=WORD_BITS,
        dram_read_bandwidth=1 if bound else None,
        dram_write_bandwidth=1 if bound else None,
        l2_read_bandwidth=4 if bound else 16,
        l2_write_bandwidth=4 if bound else 16,
    )
    mapping = MAPPINGS[start_of(name)]
    return Reference(
        geometry=Geometry(accelerator=accelerator, layer=layer, mapping=mapping),
        attributes=attributes,
    )


def order(text: str) -> tuple[str, ...]:
    return tuple(text)


MAPPINGS = {
    "ws_small": Mapping(  # DRAM: C inside K; L2: P inside Q; the filter in the PE
        dram_order=order("KCQPSR"),
        l2_order=order("KCSRQP"),
        pe_order=order("KCQPSR"),
        l2=Bounds(P=14, Q=14),
        pe=Bounds(R=3, S=3),
        spatial=Bounds(K=4, C=4),
    ),
    "os_small": Mapping(  # L2: C innermost; the filter in the PE
        dram_order=order("KCQPSR"),
        l2_order=order("QPKSRC"),
        pe_order=order("KCQPSR"),
        l2=Bounds(P=4, Q=4, K=4, C=16),
        pe=Bounds(R=3, S=3),
        spatial=Bounds(P=4, Q=4),
    ),
    "rs_eyeriss168": Mapping(  # DRAM: P outside K outside C; L2: Q inside C
        dram_order=order("PKCQSR"),
        l2_order=order("CQKPSR"),
        pe_order=order("KCRSQP"),
        l2=Bounds(Q=56, C=8),
        pe=Bounds(R=3, C=4, K=4),
        spatial=Bounds(P=14, S=3, K=4),
    ),
    "ws_16x16": Mapping(  # DRAM: C inside K; L2: P, Q, C, K from the inside
        dram_order=order("KCQPSR"),
        l2_order=order("KCSRQP"),
        pe_order=order("KCQPSR"),
        l2=Bounds(P=14, Q=14, C=4, K=2),
        pe=Bounds(R=3, S=3),
        spatial=Bounds(K=16, C=16),
    ),
}


def factors(text: str) -> dict[str, int]:
    return {dim: int(number) for dim, number in re.findall(r"(\w)=(\d+)", text)}
