"""Counts beside Timeloop's: every difference is explained, and a wrong count is not."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from naas_hw.cli import main
from naas_hw.core.errors import InputError
from naas_hw.experiments.timeloop import compare_with_timeloop
from naas_hw.experiments.timeloop_causes import CAUSES

FILE = Path(__file__).parents[1] / "data" / "timeloop_cases.json"


@pytest.fixture(scope="module")
def compared():
    return {case.name: case for case in compare_with_timeloop(FILE).cases}


def test_every_count_is_explained(compared):
    assert len(compared) == 7
    for case in compared.values():
        assert case.ok, [entry for entry in case.comparisons if not entry.ok]
        assert len(case.comparisons) == 2 + 18


def test_what_is_equal_needs_no_cause_but_where_two_cancel(compared):
    """16 windows of 9 inputs, or 36 pixels of a word of 4: both are 144 a step."""
    for case in compared.values():
        for entry in case.comparisons:
            if entry.ours == entry.theirs and entry.causes:
                assert (case.name, entry.causes) == ("os_small_4x4", ("halo", "whole words"))
            if entry.ours != entry.theirs:
                assert entry.causes and set(entry.causes) <= set(CAUSES)


@pytest.mark.parametrize(
    ("name", "key", "ours", "theirs", "causes"),
    [
        # P innermost: of 3 x 3 pixels 6 are those of the step before, but for the first of 14
        ("ws_small_4x4", ("GlobalBuffer", "Inputs", "reads"), 14 * 9, 9 + 13 * 3, "sliding window"),
        # 14 x 3 PEs of 3 rows share 16 x 3 pixels
        (
            "rs_eyeriss168_rn50_56x56_64_64_3x3_nolink",
            ("GlobalBuffer", "Inputs", "reads"),
            16 * 3,
            14 * 3 * 3,
            "halo",
        ),
        # a tree adds the products of four channels
        ("ws_small_4x4", ("PEBuffer", "Outputs", "updates"), 1, 4, "trees"),
        # nine weights in three words of four
        ("os_small_4x4", ("DRAM", "Weights", "reads"), 12, 9, "whole words"),
    ],
)
def test_ratios_follow_from_the_nest(name, key, ours, theirs, causes, compared):
    (entry,) = (e for e in compared[name].comparisons if (e.level, e.tensor, e.count) == key)
    assert Fraction(entry.ours, entry.theirs) == Fraction(ours, theirs)
    assert ", ".join(entry.causes) == causes


def test_the_section_says_what_is_not_explained_and_so_does_the_status(tmp_path, capsys):
    assert main(["reproduce", "timeloop", "--cases", str(FILE)]) == 0
    text = capsys.readouterr().out
    assert "of the others none differ" in text and "not explained" not in text
    assert "| GlobalBuffer | Inputs | reads | 112,896 | 43,008 | sliding window |" in text
    assert "`ws_16x16_rn50_14x14_256_256_3x3`, `ws_16x16_rn50_14x14_256_256_3x3_bwbound`:" in text
    data = json.loads(FILE.read_text(encoding="utf-8"))
    data["cases"][0]["accesses"]["PEBuffer"]["tensors"]["Weights"]["reads_per_instance"] += 1
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(data), encoding="utf-8")
    assert main(["reproduce", "timeloop", "--cases", str(wrong)]) == 1
    text = capsys.readouterr().out
    assert "of the others 1 differ" in text and text.count("**(not explained)**") == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "must be JSON"),
        ("{}", "tool must be given"),
        ('{"tool": "t", "version": "1", "cases": []}', "cases must"),
    ],
)
def test_another_file_is_refused(text, sentence, tmp_path):
    path = tmp_path / "cases.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        compare_with_timeloop(path)
    with pytest.raises(InputError, match="cannot read "):
        compare_with_timeloop(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda case: case["accesses"].pop("DRAM"),
            "must have all counts, as numbers: KeyError('DRAM')",
        ),
        (lambda case: case.pop("compute_cycles"), "cases[0]: compute_cycles must be given"),
        (
            lambda case: case["yaml"].update(prob=case["yaml"]["prob"].replace("C: 16", "C: 17")),
            "its mapping: mapping: the factors of C must make its bound 17, not 16",
        ),
        (
            lambda case: case["accesses"]["mac"].update(computes_total="many"),
            "it must have all counts, as numbers: ValueError(",
        ),
    ],
)
def test_a_case_that_is_wrong_is_named_and_the_others_go_on(spoil, reason, tmp_path, capsys):
    data = json.loads(FILE.read_text(encoding="utf-8"))
    spoil(data["cases"][0])
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    found = compare_with_timeloop(path)
    assert len(found.cases) == 6 and all(case.ok for case in found.cases) and not found.ok
    (refused,) = found.refused
    assert refused.name in ("ws_small_4x4", "cases[0]") and reason in refused.reason
    assert main(["reproduce", "timeloop", "--cases", str(path)]) == 1
    assert f"- `{refused.name}`: " in capsys.readouterr().out


KINDS = FILE.with_name("timeloop_kinds.json")


def test_all_kinds_of_layers_are_compared_and_explained():
    """Strides, dilation, both forms of a depthwise layer, groups; counts of Timeloop 3.0.3."""
    found = compare_with_timeloop(KINDS)
    assert found.refused == () and len(found.cases) == 5
    for case in found.cases:
        assert case.ok, [entry for entry in case.comparisons if not entry.ok]
    ours, own = (case.comparisons for case in found.cases if case.name.startswith("depthwise"))
    assert ours == own


@pytest.mark.parametrize(
    ("key", "ours", "theirs", "causes"),
    [
        # P innermost: of tiles of 3 rows all but the first of 6 bring one; 6 channels in 8
        (("DRAM", "Inputs", "reads"), 8 * 6 * 3, 6 * (3 + 5), "sliding window, whole words"),
        # 5 channels in 8
        (("DRAM", "Outputs", "updates"), 8, 5, "whole words"),
    ],
)
def test_dram_has_whole_words_and_sliding_windows_too(key, ours, theirs, causes):
    cases = {case.name: case for case in compare_with_timeloop(KINDS).cases}
    entries = cases["sliding_at_dram_and_whole_words"].comparisons
    (entry,) = (e for e in entries if (e.level, e.tensor, e.count) == key)
    assert Fraction(entry.ours, entry.theirs) == Fraction(ours, theirs)
    assert ", ".join(entry.causes) == causes
