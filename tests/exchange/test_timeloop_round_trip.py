"""A mapping told to Timeloop and read back is the same mapping."""

from dataclasses import replace

import numpy as np
import pytest
from small_cases import plain_case

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import AREA, SIZED
from naas_hw.core.errors import InputError
from naas_hw.exchange.levels import factors_of, tight
from naas_hw.exchange.timeloop import read_timeloop_mappings, timeloop_files
from naas_hw.exchange.timeloop_format import Version
from naas_hw.exchange.timeloop_mapping import told_bounds
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.case import Case
from naas_hw.workload.catalogue import load_builtin
from naas_hw.workload.layer import DIMS, Dim, Kind, Layer

SEED = 7
NUM_CASES = 24


def told(case: Case, version: Version, *, pad: bool = False) -> dict[str, str]:
    accelerator = case.accelerator
    files = timeloop_files(
        accelerator,
        [case.layer],
        {case.layer.name: case.mapping},
        energy=SIZED.access_energy(accelerator),
        area=AREA,
        version=version,
        pad=pad,
    )
    return {path: text for path, text in files.items() if "/" in path}


def read_back(case: Case, files: dict[str, str], folder) -> Mapping:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    (found,) = read_timeloop_mappings(folder).items()
    assert found[0] == case.layer.name
    assert found[1].groups == case.layer.groups
    assert found[1].tiles == case.geometry.num_tiles
    return found[1].mapping


def is_ragged(case: Case) -> bool:
    factors = factors_of(tight(case.geometry))
    return any(f.is_ragged for loops in factors.values() for f in loops.values())


def is_refused(case: Case) -> bool:
    """Whether v0.3 cannot tell an edge."""
    return told_bounds(case.geometry, Version.V03) != case.layer.bounds


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return drawn_cases(NUM_CASES)


def drawn_cases(number: int) -> list[Case]:
    """Random legal triples, edges and all kinds of layer among them."""
    rng = np.random.default_rng(SEED)
    found = [plain_case(rng) for _ in range(number)]
    assert sum(map(is_ragged, found)) > number // 5
    assert {case.layer.kind for case in found} >= {Kind.CONV, Kind.DEPTHWISE, Kind.LINEAR}
    assert any(case.layer.groups > 1 for case in found)
    return found


def test_v03_is_the_identity_edges_included(cases, tmp_path):
    """What comes back has no loop longer than the layer needs, and is legal."""
    for index, case in enumerate(cases):
        if is_refused(case):
            with pytest.raises(
                InputError, match=r"^layer layer: . must be a multiple of \d+, what"
            ):
                told(case, Version.V03)
        files = told(case, Version.V03, pad=is_refused(case))
        back = read_back(case, files, tmp_path / str(index))
        assert back == tight(case.geometry).mapping, (SEED, index)
        assert violations(case.accelerator, case.layer, back) == []
        assert is_refused(case) == ("# The problem is larger" in files["layers/layer/problem.yaml"])


@pytest.mark.slow
def test_v03_is_the_identity_on_many(tmp_path):
    test_v03_is_the_identity_edges_included(drawn_cases(20 * NUM_CASES), tmp_path)


def test_v04_is_the_identity_where_it_can_say_it_and_names_the_dim_where_not(cases, tmp_path):
    for index, case in enumerate(cases):
        if is_ragged(case):
            with pytest.raises(InputError, match=r"^layer layer: . must be the product of its"):
                told(case, Version.V04)
        else:
            files = told(case, Version.V04)
            assert read_back(case, files, tmp_path / str(index)) == tight(case.geometry).mapping, (
                SEED,
                index,
            )


def test_v04_padded_is_the_identity_and_says_which_bounds_grew(cases, tmp_path):
    for index, case in enumerate(cases):
        files = told(case, Version.V04, pad=True)
        assert read_back(case, files, tmp_path / str(index)) == tight(case.geometry).mapping, (
            SEED,
            index,
        )
        comment = "# The problem is larger than the layer: "
        assert (comment in files["layers/layer/problem.yaml"]) == is_ragged(case)


def preset_mapping(case_layer: Layer, preset: str, rng: np.random.Generator) -> Case | None:
    """A random legal mapping of a real layer on a preset; None if none was drawn."""
    accelerator = PRESETS[preset].accelerator
    for _ in range(60):
        pe: dict[Dim, int] = {}
        l2: dict[Dim, int] = {}
        spatial: dict[Dim, int] = {}
        for dim in DIMS:
            bound = case_layer.bounds[dim]
            most = min(bound, accelerator.size_of(dim))
            spatial[dim] = most if dim in ("K", "C") else int(rng.integers(1, most + 1))
            rest = ceil_div(bound, spatial[dim])
            pe[dim] = int(rng.integers(1, min(rest, 3) + 1))
            l2[dim] = int(rng.integers(1, ceil_div(rest, pe[dim]) + 1))
        orders = [tuple(DIMS[i] for i in rng.permutation(6)) for _ in range(3)]
        mapping = Mapping(
            dram_order=orders[0],
            l2_order=orders[1],
            pe_order=orders[2],
            l2=Bounds(**l2),
            pe=Bounds(**pe),
            spatial=Bounds(**spatial),
        )
        if not violations(accelerator, case_layer, mapping):
            return Case(accelerator=accelerator, layer=case_layer, mapping=mapping)
    return None


def test_real_layers_on_presets(tmp_path):
    """MobileNetV2 and ResNet50 on every preset, one mapping of each layer that gets one."""
    rng = np.random.default_rng(SEED)
    layers = [*load_builtin("mobilenet_v2").layers[::10], *load_builtin("resnet50").layers[::11]]
    drawn = [preset_mapping(layer, name, rng) for name in PRESETS for layer in layers]
    found = [case for case in drawn if case is not None]
    assert len(found) > 20 and sum(map(is_ragged, found)) > 5
    for index, case in enumerate(found):
        files = told(case, Version.V03, pad=is_refused(case))
        assert read_back(case, files, tmp_path / str(index)) == tight(case.geometry).mapping


def test_an_array_of_one_pe_has_no_loops_of_its_own(cases, tmp_path):
    case = cases[0]
    accelerator = case.accelerator.model_copy(
        update={"axes": tuple(a.model_copy(update={"size": 1}) for a in case.accelerator.axes)}
    )
    alone = replace(case, accelerator=accelerator, mapping=Mapping(pe=Bounds(), l2=Bounds()))
    assert Geometry(accelerator=accelerator, layer=alone.layer, mapping=alone.mapping).pes_used == 1
    files = told(alone, Version.V03)
    assert "spatial" not in files["layers/layer/mapping.yaml"]
    assert read_back(alone, files, tmp_path) == alone.mapping
