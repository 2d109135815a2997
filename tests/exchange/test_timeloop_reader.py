"""Timeloop's mappings, good and bad: what is wrong is said in one sentence with its place."""

import re
from pathlib import Path

import pytest

from naas_hw.core.errors import InputError
from naas_hw.exchange.timeloop import read_timeloop_mappings
from naas_hw.exchange.timeloop_reader import read_timeloop

PROBLEM = "problem:\n  instance: {M: 16, C: 8, P: 6, Q: 6, R: 3, S: 3, N: 1, Wstride: 2}\n"
GOOD = """\
mapping:
- {target: DRAM, type: temporal, factors: "M=2 C2 P=1", permutation: RSPQCMN}
- {target: GlobalBuffer, type: temporal, factors: "C=1, P=6, Q=6", permutation: [Q, P, C]}
- {target: GlobalBuffer, type: spatial, factors: C=4 M=8, permutation: C MRSPQN, split: 1}
- {target: PEBuffer, type: temporal, factors: R=0 S=3, permutation: RS}
- {target: PEBuffer, type: bypass, keep: [Weights, Inputs, Outputs], bypass: []}
"""


def read(folder: Path, mapping: str = GOOD, problem: str = PROBLEM):
    (folder / "mapping.yaml").write_text(mapping, encoding="utf-8")
    (folder / "problem.yaml").write_text(problem, encoding="utf-8")
    return read_timeloop(folder / "mapping.yaml", folder / "problem.yaml")


def test_forms_of_others_are_understood(tmp_path):
    """M for K, factors without `=`, with commas or not at all, a whole bound as 0, lists, gaps."""
    found = read(tmp_path)
    assert found.mapping.spatial.K == 8 and found.mapping.spatial.C == 4
    assert found.mapping.pe.R == 3 and found.mapping.pe.S == 3
    assert found.mapping.l2.P == 6 and found.mapping.l2.K == 1
    assert found.mapping.dram_order == ("K", "C", "Q", "P", "S", "R")
    assert found.mapping.l2_order[-3:] == ("C", "P", "Q")
    assert found.mapping.pe_order[-2:] == ("S", "R")
    assert found.tiles["K"] == 2 and found.tiles["C"] == 2


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "bypass: []",
            "bypass: [Weights]",
            "mapping[4].bypass must not have Weights: this hardware holds it in PEBuffer, and it "
            "stays for 36 steps",
        ),
        ("bypass: []", "bypass: [Bias]", "mapping[4].bypass must name Weights, Inputs, Outputs,"),
        ("PEBuffer, type: bypass", "L3, type: bypass", "mapping[4].target must be one of DRAM, "),
        ("target: DRAM", "target: L3", "mapping[0].target must be one of DRAM, GlobalBuffer, "),
        ("M=2 C2", "M=two C2", "mapping[0].factors must be like P=7 or P=7,3, not 'M=two C2 P=1'"),
        ("M=2 C2", "M=2 M=2 C2", "mapping[0].factors must have M once"),
        ("M=2 C2", "Z=2 C2", "mapping[0].factors must name loops of K C P Q R S N G, not 'Z'"),
        ("M=2 C2", "M=2,3 C2", "mapping[0].factors: the remainder of M must be 1 to 2, not 3"),
        ("M=2 C2", "M=2,1 C2", "mapping: the factors of K must make its bound 16, not 8"),
        ("M=2 C2", "M=3 C2", "mapping: the factors of K must make its bound 16, not 24"),
        ("M=2 C2", "M=2 C2 N=4", "mapping: the factors of N must make its bound 1, not 4"),
        ("[Q, P, C]", "[Q, C]", "mapping[1].permutation must have P once, not 0 times"),
        ("[Q, P, C]", "[Q, P, P]", "mapping[1].permutation must have P once, not 2 times"),
        ("[Q, P, C]", "[Q, 1]", "mapping[1].permutation: must be text or a list of texts"),
        ("type: bypass", "type: skew", "mapping[4].type must be 'temporal', 'spatial', 'bypass'"),
        (
            "split: 1",
            "split: 1, no_link_transfer: [Inputs]",
            "mapping[2].no_link_transfer is not a known field",
        ),
        ("target: PEBuffer, type: temporal", "target: DRAM, type: temporal", "DRAM again"),
        ("mapping:", "mappings:", "mapping must be given"),
        ("factors: R=0", "factors: [", "line 5: must be valid YAML"),
    ],
)
def test_bad_mappings_are_refused_with_their_place(old, new, sentence, tmp_path):
    assert GOOD.count(old) >= 1
    with pytest.raises(InputError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    text = str(caught.value)
    assert text.startswith(str(tmp_path / "mapping.yaml")) and "\n" not in text
    assert sentence in text


def test_a_missing_level_is_refused(tmp_path):
    lines = [line for line in GOOD.splitlines() if "factors: R=0" not in line]
    with pytest.raises(InputError, match="mapping must have the temporal loops of all three level"):
        read(tmp_path, "\n".join(lines))


def test_a_ragged_tile_count_is_refused(tmp_path):
    """Fewer trips of the outermost loop than it has."""
    text = GOOD.replace("M=2 C2 P=1", "M=2,1 C2").replace("C=4 M=8", "C=4 M=16")
    with pytest.raises(InputError, match="mapping: K must have no remainder at DRAM, not 1"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("factors", "permutation", "sentence"),
    [
        ("M=2 C2 G=2", "GRSPQCMN", "G outermost, not inside"),
        ("M=2 C2", "RSPQCMNG", "the factors of G must make its bound 2, not 1"),
    ],
)
def test_groups_are_around_everything(factors, permutation, sentence, tmp_path):
    text = GOOD.replace("M=2 C2 P=1", factors).replace("RSPQCMN", permutation)
    problem = PROBLEM.replace("N: 1", "N: 1, G: 2")
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text, problem)
    good = GOOD.replace("M=2 C2 P=1", "M=2 C2 G=2").replace("RSPQCMN", "RSPQCMNG")
    assert read(tmp_path, good, problem).groups == 2


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("M: 16", "M: 16, K: 16", "problem.instance must hold either K or M"),
        ("M: 16, ", "", "problem.instance must hold either K or M"),
        ("N: 1", "N: 4", "problem.instance: N must be at most 1"),
        ("C: 8", "C: 0", "problem.instance: C must be at least 1"),
        ("C: 8", "C: '8'", "problem.instance: C must be an integer"),
    ],
)
def test_bad_problems_are_refused_with_their_place(old, new, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence) as caught:
        read(tmp_path, problem=PROBLEM.replace(old, new))
    assert re.match(re.escape(str(tmp_path / "problem.yaml")), str(caught.value))


def test_bounds_that_ours_cannot_hold_are_refused(tmp_path):
    problem = PROBLEM.replace("P: 6", "P: 70000")
    with pytest.raises(InputError, match=r"mapping: l2\.P must be at most 65535"):
        read(tmp_path, GOOD.replace("P=6", "P=70000"), problem)


def test_files_are_pure_data(tmp_path):
    with pytest.raises(InputError, match="must have no aliases"):
        read(tmp_path, "mapping: [&a {target: DRAM, type: bypass}, *a]\n")
    with pytest.raises(InputError, match=r"mapping\.yaml: line 1: must have no tags"):
        read(tmp_path, "mapping: !!python/object/apply:os.system [ls]\n")


def test_a_folder_without_mappings_is_refused(tmp_path):
    with pytest.raises(InputError, match="or a folder that holds layers/LAYER/mapping.yaml"):
        read_timeloop_mappings(tmp_path)


OWN_DEPTHWISE = """\
problem:
  shape:
    dimensions: [C, R, S, P, Q]
    coefficients: [{name: down, default: 2}]
    data-spaces:
    - {name: Weights, projection: [[[C]], [[R]], [[S]]]}
    - {name: Inputs, projection: [[[C]], [[R], [P, down]], [[S, Hdilation], [Q, right]]]}
    - {name: Outputs, projection: [[[C]], [[Q]], [[P]]], read-write: true}
  instance: {C: 16, P: 6, Q: 6, R: 3, S: 3, right: 3, Hdilation: 4}
"""


def test_both_forms_of_a_depthwise_layer_are_understood(tmp_path):
    """C alone, as Timeloop's own has it, is our K; coefficients have the names of the shape."""
    mapping = GOOD.replace("M=2 C2", "C2").replace("RSPQCMN", "RSPQC").replace("C=4 M=8", "C=8")
    mapping = mapping.replace('"C=1, P=6', '"P=6').replace("[Q, P, C]", "[Q, P]")
    mapping = mapping.replace("C MRSPQN", "CRSPQ")
    own = read(tmp_path, mapping, OWN_DEPTHWISE)
    assert own.problem.is_depthwise
    assert (own.problem.stride, own.problem.dilation) == ((2, 3), (1, 4))
    assert own.bounds["K"] == 16 and own.bounds["C"] == 1
    assert own.mapping.spatial.K == 8 and own.tiles["K"] == 2
    inputs = "shape: {data-spaces: [{name: Inputs, projection: [[[K]], [[R], [P, Wstride]]]}]}"
    ours = read(
        tmp_path,
        GOOD.replace("C2", "").replace("C=4 ", ""),
        f"problem:\n  {inputs}\n  instance: {{K: 16, P: 6, Q: 6, R: 3, S: 3, Wstride: 2}}\n",
    )
    assert ours.problem.is_depthwise and ours.problem.stride == (2, 1)


@pytest.mark.parametrize("value", ["0", "-1", "'2'", "1.5", "70000"])
def test_a_bad_coefficient_is_refused(value, tmp_path):
    problem = PROBLEM.replace("Wstride: 2", f"Wstride: {value}")
    with pytest.raises(InputError, match=r"problem\.instance, coefficients: P must be"):
        read(tmp_path, problem=problem)
