"""Whole files, beside ones that were written by hand from the formats' descriptions."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import AREA, SIZED
from naas_hw.core.errors import InputError
from naas_hw.exchange.timeloop import timeloop_files
from naas_hw.exchange.timeloop_architecture import Attributes, architecture
from naas_hw.exchange.timeloop_format import Version, yaml_text
from naas_hw.exchange.timeloop_mapping import mapping, told_bounds
from naas_hw.exchange.timeloop_problem import problem
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.option import Option

GOLDEN = Path(__file__).parent / "golden"

ACCELERATOR = Accelerator(
    axes=(Axis(dim="K", size=4), Axis(dim="P", size=3), Axis(dim="C", size=2)),
    weight_buffer_bytes=64,
    input_buffer_bytes=32,
    accumulator_words=16,
    bank_bytes=1024,
    beat_bytes=8,
    dram_beat_period_cycles=2,
)
K_AXIS = ACCELERATOR.model_copy(update={"axes": (Axis(dim="K", size=4),), "beat_bytes": 4})
STRIDED = Layer(
    name="strided",
    K=8,
    C=2,
    P=7,
    Q=3,
    R=3,
    S=1,
    height=17,
    width=7,
    stride=(2, 3),
    dilation=(2, 1),
)
STRIDED_MAPPING = Mapping(
    dram_order=("K", "P", "Q", "R", "S", "C"),
    l2_order=("Q", "P", "R", "S", "C", "K"),
    pe_order=("K", "C", "P", "Q", "R", "S"),
    l2=Bounds(P=2, Q=3),
    pe=Bounds(P=2, R=3, C=2),
    spatial=Bounds(K=4),
)
DEPTHWISE = Layer(
    name="depthwise",
    kind=Kind.DEPTHWISE,
    K=8,
    P=4,
    Q=4,
    R=3,
    S=3,
    height=4,
    width=4,
    padding=(1, 1),
    groups=2,
)
DEPTHWISE_MAPPING = Mapping(l2=Bounds(K=2, P=4, Q=4), pe=Bounds(R=3, S=3), spatial=Bounds(K=4))


class _Tagged(YAML):
    """Mappings with a tag as plain ones that hold it."""

    def __init__(self) -> None:
        super().__init__(typ="safe", pure=True)

        def construct(constructor: Any, tag: str, node: Any) -> dict[str, Any]:
            return {"!": tag, **constructor.construct_mapping(node, deep=True)}

        self.constructor.add_multi_constructor("!", construct)


def golden(name: str) -> Any:
    return _Tagged().load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))


def parsed(data: dict[str, Any]) -> Any:
    return _Tagged().load(yaml_text(data))


def geometry(layer: Layer, mapped: Mapping) -> Geometry:
    assert violations(K_AXIS, layer, mapped) == []
    return Geometry(accelerator=K_AXIS, layer=layer, mapping=mapped)


def test_stride_dilation_and_edges_in_v03() -> None:
    told = geometry(STRIDED, STRIDED_MAPPING)
    assert parsed(mapping(told, Version.V03)) == golden("strided_v03_mapping")
    assert parsed(problem(STRIDED, Version.V03)) == golden("strided_v03_problem")


def test_depthwise_and_groups_in_v04() -> None:
    told = geometry(DEPTHWISE, DEPTHWISE_MAPPING)
    assert parsed(mapping(told, Version.V04)) == golden("depthwise_v04_mapping")
    assert parsed(problem(DEPTHWISE, Version.V04)) == golden("depthwise_v04_problem")


def test_architecture_in_v04() -> None:
    told = architecture(ACCELERATOR, Attributes.of(ACCELERATOR), Version.V04)
    assert parsed(told) == golden("v04_architecture")


def component(table: dict[str, Any]) -> str:
    """`system.chip.PE[0..3].mac` and `system_top_level.mac[1..4]` are both the mac."""
    return re.sub(r"\[\d+\.\.\d+\]", "", table["name"]).rpartition(".")[2]


@pytest.mark.parametrize("version", Version)
def test_energy_of_a_product_is_ours(version: Version) -> None:
    """Three reads, a write and the product: no part of it is lost or counted twice."""
    energy = SIZED.access_energy(K_AXIS)
    files = timeloop_files(K_AXIS, [], {}, energy=energy, area=AREA, version=version)
    tables = {
        component(table): {action["name"]: action["energy"] for action in table["actions"]}
        for table in _Tagged().load(files["ERT.yaml"])["ERT"]["tables"]
    }
    compute = tables["mac"]["mac_random" if version is Version.V03 else "compute"]
    of_a_product = 3 * tables["PEBuffer"]["read"] + tables["PEBuffer"]["write"] + compute
    due = energy.l1_weight_read + energy.l1_input_read + 2 * energy.accumulator + energy.mac
    assert of_a_product == pytest.approx(due)
    assert tables["DRAM"]["read"] == energy.dram_beat
    assert tables["GlobalBuffer"]["write"] == energy.l2_word


@pytest.mark.parametrize("version", Version)
def test_areas_of_all_instances_are_the_whole(version: Version) -> None:
    energy = SIZED.access_energy(K_AXIS)
    files = timeloop_files(K_AXIS, [], {}, energy=energy, area=AREA, version=version)
    tables = _Tagged().load(files["ART.yaml"])["ART"]["tables"]
    instances = {"PEBuffer": 4, "mac": 4}
    total = sum(table["area"] * instances.get(component(table), 1) for table in tables)
    assert total == pytest.approx(sum(AREA.area_um2(K_AXIS).values()))


def test_what_is_not_told_stands_in_the_problem() -> None:
    files = timeloop_files(
        K_AXIS,
        [STRIDED, DEPTHWISE],
        {"strided": STRIDED_MAPPING, "depthwise": DEPTHWISE_MAPPING},
        energy=SIZED.access_energy(K_AXIS),
        area=AREA,
    )
    assert files["layers/depthwise/problem.yaml"].startswith("# Padding of (1, 1) is not told")
    assert not files["layers/strided/problem.yaml"].startswith("#")


def test_a_residual_is_refused_and_a_table_is_not_told() -> None:
    """A problem has three tensors; what does not change its loops is a comment."""

    def files(layer: Layer) -> dict[str, str]:
        return timeloop_files(
            K_AXIS.with_options(Option),
            [layer],
            {layer.name: STRIDED_MAPPING},
            energy=SIZED.access_energy(K_AXIS),
            area=AREA,
        )

    table = STRIDED.model_copy(update={"table": True})
    problem = files(table)[f"layers/{STRIDED.name}/problem.yaml"]
    assert "# That the layer needs table is not told." in problem
    with pytest.raises(InputError, match="layer strided: residual must be false for Timeloop"):
        files(STRIDED.model_copy(update={"residual": True}))


def test_v04_refuses_edges_by_layer_and_dim() -> None:
    told = geometry(STRIDED, STRIDED_MAPPING)
    sentence = (
        r"^layer strided: P must be the product of its factors, 2 x 2 x 1 x 2 = 8, not 7: "
        r"Timeloop's v0.4 has no remainders \(v0.3 has; --pad makes the problem larger\)$"
    )
    with pytest.raises(InputError, match=sentence):
        mapping(told, Version.V04)


def test_v04_names_all_layers_that_it_refuses() -> None:
    """Two of the same reason together, and the rule once; one that it can tell is not named."""
    other = STRIDED.model_copy(update={"name": "other"})
    even = STRIDED.model_copy(update={"name": "even", "P": 8, "height": 19})
    narrow = STRIDED.model_copy(update={"name": "narrow", "P": 5})
    layers = [STRIDED, even, narrow, other]
    sentence = (
        r"^layers strided and other: P must be the product of its factors, 2 x 2 x 1 x 2 = 8, not "
        r"7; layer narrow: P must be the product of its factors, 2 x 2 x 1 x 2 = 8, not 5: "
        r"Timeloop's v0.4 has no remainders \(v0.3 has; --pad makes the problem larger\)$"
    )
    with pytest.raises(InputError, match=sentence):
        timeloop_files(
            K_AXIS,
            layers,
            {layer.name: STRIDED_MAPPING for layer in layers},
            energy=SIZED.access_energy(K_AXIS),
            area=AREA,
            version=Version.V04,
        )


def factors_told(
    layer: Layer, mapped: Mapping, version: Version = Version.V03
) -> dict[tuple[str, str], str]:
    """Target and type -> factors, without those of 1."""
    directives = mapping(geometry(layer, mapped), version)["mapping"]
    return {
        (entry["target"], entry["type"]): re.sub(r"\b\w=1\b ?", "", entry["factors"]).strip()
        for entry in directives
    }


LINEAR = Layer(name="l", kind=Kind.LINEAR, K=3, C=2, height=1, width=1)


def test_no_remainder_stands_where_nothing_is_outside() -> None:
    """`K=4,3` for K of 3 made Timeloop 3.0.3 count 4, and its reads of DRAM underflow."""
    told = factors_told(LINEAR, Mapping(pe=Bounds(K=2, C=2), spatial=Bounds(K=3)))
    assert told["PEBuffer", "temporal"] == "C=2"
    assert told["GlobalBuffer", "spatial"] == "K=3"
    conv = LINEAR.model_copy(update={"kind": Kind.CONV, "P": 3, "height": 3})
    told = factors_told(conv, Mapping(l2=Bounds(P=5, C=2), spatial=Bounds(K=3)))
    assert told["GlobalBuffer", "temporal"] == "P=3 C=2"


@pytest.mark.parametrize(("size", "pe"), [(6, 1), (7, 2), (13, 2)])
def test_an_edge_of_the_array_is_refused_or_padded(size: int, pe: int) -> None:
    """Timeloop follows one PE and multiplies: an edge on an axis, or inside one, counts in full."""
    layer = LINEAR.model_copy(update={"K": size})
    mapped = Mapping(pe=Bounds(K=pe), l2=Bounds(C=2), spatial=Bounds(K=4))
    told = Geometry(accelerator=K_AXIS, layer=layer, mapping=mapped)
    share = 4 * pe
    sentence = (
        f"layer l: K must be a multiple of {share}, what the array takes of it, not {size}: "
        r"Timeloop 3.0.3 counts every PE as the first one, at edges too \(--pad makes"
    )
    with pytest.raises(InputError, match=sentence):
        mapping(told, Version.V03)
    assert told_bounds(told, Version.V03)["K"] == -(-size // share) * share


def test_edges_around_the_array_and_inside_a_pe_are_told() -> None:
    """A loop that no axis splits may end early: P of 7 in steps of 2, K of 8 on an axis of 4."""
    told = geometry(STRIDED, STRIDED_MAPPING)
    assert told_bounds(told, Version.V03) == STRIDED.bounds


def test_a_strided_kernel_of_one_is_told_as_what_it_reads() -> None:
    """Timeloop's tile is all between the pixels: it would not fit where ours does."""
    layer = LINEAR.model_copy(
        update={"kind": Kind.CONV, "P": 4, "Q": 4, "height": 7, "width": 7, "stride": (2, 2)}
    )
    mapped = Mapping(l2=Bounds(P=4, Q=4, C=2), spatial=Bounds(K=3))
    files = timeloop_files(
        K_AXIS, [layer], {"l": mapped}, energy=SIZED.access_energy(K_AXIS), area=AREA
    )
    text = files["layers/l/problem.yaml"]
    assert text.startswith("# A stride of (2, 2) is not told: the input is what the 1x1 kernel")
    assert not {"Wstride", "Hstride"} & set(_Tagged().load(text)["problem"]["instance"])


def test_texts_of_v04_are_quoted() -> None:
    """The parser of timeloopfe takes LPDDR4 without quotes for the name of a variable, and ends."""
    text = yaml_text(architecture(ACCELERATOR, Attributes.of(ACCELERATOR), Version.V04))
    assert 'type: "LPDDR4"' in text and 'technology: "45nm"' in text
