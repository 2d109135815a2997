"""Counts against those of Timeloop on the same nests, in elements.

Where both define a count alike, it is equal. Where not, the difference is named and checked:

- *whole words*: one access of ours is a word of B bytes, Timeloop's is an element; the nine weights
  of an output stationary step take three words of four;
- *sliding windows*: where an input window moves by less than its size, Timeloop counts only what is
  new in a buffer; ours is filled whole;
- *halo*: an input that several PEs need is read once by ours, once per PE by Timeloop (or passed on
  from neighbour to neighbour, where its links are enabled);
- *trees*: the products of reduction axes are added before they reach an accumulator, so ours are
  updated once per tree, Timeloop's once per PE;
- *first read*: the first visit of an output reads nothing, as in Timeloop with its elision on.
"""

import json
import re
from math import prod
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.cost.reference.accesses import Accesses, accesses_of
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import DIMS, Layer

FILE = Path(__file__).parents[2] / "data" / "timeloop_cases.json"
CASES = {case["name"]: case for case in json.loads(FILE.read_text(encoding="utf-8"))["cases"]}
WEIGHT_STATIONARY = [name for name in CASES if name.startswith("ws_")]
BEAT = 4
LANES = BEAT // 4


def parsed(text: str) -> Any:
    return YAML(typ="safe").load(text)


def geometry_of(case: dict[str, Any]) -> Geometry:
    """The case's layer and mapping, on an accelerator that has its axes."""
    instance = parsed(case["yaml"]["prob"])["problem"]["instance"]
    layer = Layer(
        name="layer",
        **{d: instance[d] for d in DIMS},
        height=instance["P"] + instance["R"] - 1,
        width=instance["Q"] + instance["S"] - 1,
    )
    levels = {}
    for level in parsed(case["yaml"]["map"])["mapping"]:
        factors = {d: int(n) for d, n in re.findall(r"(\w)=(\d+)", level["factors"])}
        order = tuple(d for d in reversed(level["permutation"]) if d in DIMS)
        levels[level["target"], level["type"]] = factors, order
    spatial = levels["GlobalBuffer", "spatial"][0]
    axes = tuple(Axis(dim=d, size=spatial[d]) for d in DIMS if spatial[d] > 1)
    accelerator = Accelerator(
        axes=axes,
        weight_buffer_bytes=1024,
        input_buffer_bytes=1024,
        accumulator_words=1024,
        bank_bytes=256 * 1024,
        beat_bytes=BEAT,
        weight_lanes=1,
        input_lanes=1,
    )

    def bounds(target: str, kind: str) -> Bounds:
        return Bounds(**{d: levels[target, kind][0][d] for d in DIMS})

    mapping = Mapping(
        dram_order=levels["DRAM", "temporal"][1],
        l2_order=levels["GlobalBuffer", "temporal"][1],
        pe_order=levels["PEBuffer", "temporal"][1],
        l2=bounds("GlobalBuffer", "temporal"),
        pe=bounds("PEBuffer", "temporal"),
        spatial=bounds("GlobalBuffer", "spatial"),
    )
    return Geometry(accelerator=accelerator, layer=layer, mapping=mapping)


def theirs(case: dict[str, Any], level: str, tensor: str, count: str) -> int:
    """A count of Timeloop's, all instances together."""
    found = case["accesses"][level]["tensors"][tensor]
    return int(found[f"{count}_per_instance"] * found["instances"])


def in_words(geometry: Geometry, weights: int) -> int:
    """As many weights in whole words, step by step."""
    step = geometry.weight_bytes * geometry.weight_groups
    return weights // step * -(-step // BEAT)


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def case(name: str) -> dict[str, Any]:
    return CASES[name]


@pytest.fixture
def geometry(case: dict[str, Any]) -> Geometry:
    return geometry_of(case)


@pytest.fixture
def ours(geometry: Geometry) -> Accesses:
    return accesses_of(geometry)


def test_products(case: dict[str, Any], geometry: Geometry, ours: Accesses) -> None:
    """Products, and the cycles of the array if nothing ever waits."""
    assert ours.macs == case["accesses"]["mac"]["computes_total"]
    assert geometry.num_steps * geometry.compute_cycles == case["compute_cycles"]


def test_dram(name: str, case: dict[str, Any], geometry: Geometry, ours: Accesses) -> None:
    """Every tensor crosses the bus equally often."""
    assert ours.dram_weights == in_words(geometry, theirs(case, "DRAM", "Weights", "reads"))
    assert ours.dram_inputs * BEAT == theirs(case, "DRAM", "Inputs", "reads")
    assert ours.dram_outputs * BEAT == theirs(case, "DRAM", "Outputs", "updates")
    first_reads = ours.dram_outputs * BEAT if name.endswith("noelision") else 0
    assert ours.dram_sums_in * LANES + first_reads == theirs(case, "DRAM", "Outputs", "reads")


def test_global_buffer_is_filled_alike(
    case: dict[str, Any], geometry: Geometry, ours: Accesses
) -> None:
    """What load writes into L2."""
    weights = theirs(case, "GlobalBuffer", "Weights", "fills")
    assert ours.l2_load_weights == in_words(geometry, weights)
    assert ours.l2_load_inputs * BEAT == theirs(case, "GlobalBuffer", "Inputs", "fills")


def test_global_buffer_gives_weights(
    case: dict[str, Any], geometry: Geometry, ours: Accesses
) -> None:
    """What fill reads from L2, once for all PEs that need it."""
    weights = theirs(case, "GlobalBuffer", "Weights", "reads")
    assert ours.l2_fill_weights == in_words(geometry, weights)


def test_global_buffer_takes_and_gives_outputs(
    name: str, case: dict[str, Any], geometry: Geometry, ours: Accesses
) -> None:
    """Drain writes each output once a visit and reads it on all visits but the first."""
    assert ours.l2_drain * LANES == theirs(case, "GlobalBuffer", "Outputs", "updates")
    layer = geometry.layer
    first = layer.K * layer.P * layer.Q if name.endswith("noelision") else 0
    assert ours.l2_drain_sums * LANES + first == theirs(case, "GlobalBuffer", "Outputs", "reads")


def test_private_weights(case: dict[str, Any], ours: Accesses) -> None:
    """Weight buffers are filled and read alike."""
    assert ours.l1_weight_writes == theirs(case, "PEBuffer", "Weights", "fills")
    assert ours.l1_weight_reads == theirs(case, "PEBuffer", "Weights", "reads")


def test_private_inputs_without_sliding_windows(
    name: str, case: dict[str, Any], ours: Accesses
) -> None:
    """Where a step's window does not overlap the last one's, input buffers are filled alike."""
    if name in WEIGHT_STATIONARY:
        return
    assert ours.l1_input_writes == theirs(case, "PEBuffer", "Inputs", "fills")


@pytest.mark.parametrize("name", WEIGHT_STATIONARY)
def test_private_inputs_with_sliding_windows(
    case: dict[str, Any], geometry: Geometry, ours: Accesses
) -> None:
    """P is innermost: of nine pixels six are those of the step before, but for the first of a row.

    Timeloop counts 9 + 13 x 3 a row of outputs, ours 14 x 9; in the global buffer likewise.
    """
    pe, columns = geometry.window[0] * geometry.window[1], geometry.window[1]
    row = geometry.layer.P
    fraction = (pe + (row - 1) * columns, row * pe)
    found = theirs(case, "PEBuffer", "Inputs", "fills")
    assert ours.l1_input_writes * fraction[0] == found * fraction[1]
    reads = theirs(case, "GlobalBuffer", "Inputs", "reads")
    assert ours.l2_fill_inputs * BEAT * fraction[0] == reads * fraction[1]


@pytest.mark.parametrize("name", ["os_small_4x4"])
def test_halo_is_read_once_and_in_whole_words(
    case: dict[str, Any], geometry: Geometry, ours: Accesses
) -> None:
    """4 x 4 PEs with 3 x 3 windows: Timeloop reads 16 x 9 inputs a step, ours the 6 x 6 there are.

    With one channel a step each of them is a word.
    """
    steps = theirs(case, "GlobalBuffer", "Inputs", "reads") // (16 * 9)
    assert steps == geometry.num_steps
    assert ours.l2_fill_inputs == steps * 6 * 6


@pytest.mark.parametrize("name", ["rs_eyeriss168_rn50_56x56_64_64_3x3_nolink"])
def test_halo_of_a_row_stationary_array(
    case: dict[str, Any], geometry: Geometry, ours: Accesses
) -> None:
    """14 x 3 PEs with three rows each share 16 rows and three columns, of four channels a step."""
    steps = theirs(case, "GlobalBuffer", "Inputs", "reads") // (14 * 3 * 3 * 4)
    assert steps == geometry.num_steps
    assert ours.l2_fill_inputs * BEAT == steps * 16 * 3 * 4


def test_private_inputs_are_read_by_every_product(
    name: str, case: dict[str, Any], ours: Accesses
) -> None:
    """One read a product; Timeloop adds those for neighbours where its links are enabled."""
    links = case["networks"]["GlobalBuffer <==> PEBuffer"]["Inputs"]["Link transfers"]
    assert (links > 0) == (name == "rs_eyeriss168_rn50_56x56_64_64_3x3")
    assert ours.l1_input_reads + links == theirs(case, "PEBuffer", "Inputs", "reads")


def test_accumulators(case: dict[str, Any], geometry: Geometry, ours: Accesses) -> None:
    """Ours stand behind the adder trees, so the factor is the number of products a tree adds."""
    tree = prod(geometry.mapping.spatial[d] for d in ("C", "R", "S"))
    assert ours.accumulator_writes * tree == theirs(case, "PEBuffer", "Outputs", "updates")
