"""Counts beside Timeloop's: every difference is explained, and a wrong count is not."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from naas_hw.cli import main
from naas_hw.errors import InputError
from naas_hw.report.timeloop import CAUSES, compare_with_timeloop

FILE = Path(__file__).parents[1] / "data" / "timeloop_cases.json"


@pytest.fixture(scope="module")
def compared():
    return {case.name: case for case in compare_with_timeloop(FILE)[1]}


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
    with pytest.raises(InputError, match="must be a readable file"):
        compare_with_timeloop(tmp_path / "none.json")


def test_a_case_without_a_count_is_refused(tmp_path):
    data = json.loads(FILE.read_text(encoding="utf-8"))
    del data["cases"][0]["accesses"]["DRAM"]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InputError, match="case ws_small_4x4 must have all counts: KeyError"):
        compare_with_timeloop(path)
