"""The table of the joint search and its rivals: each way once a seed, ratios that are theirs."""

from dataclasses import dataclass, replace
from itertools import product
from typing import cast

import numpy as np
import pytest
from tiny_space import FORMULA, SPACE

from naas_hw.arch.accelerator import Axis
from naas_hw.arch.presets import EYERISS, PRESETS
from naas_hw.experiments import joint as joint_table
from naas_hw.experiments.joint import (
    JointContest,
    JointRow,
    joint_holds,
    joint_markdown,
    measure_joint,
)
from naas_hw.nas.joint.architecture_search import ArchitectureSettings
from naas_hw.nas.joint.settings import JointSettings
from naas_hw.search.accelerator.settings import SearchSettings

FLOOR = 84
SEEDS = (3, 4)
RIVALS = (
    joint_table.ACCELERATOR_ONLY,
    joint_table.NETWORK_ONLY,
    joint_table.SIZING,
    joint_table.ONE_AFTER_THE_OTHER,
)
CONTEST = JointContest(
    space=SPACE,
    oracle=FORMULA,
    preset=PRESETS["shidiannao"],
    reference=SPACE.network(np.array([2, 3], dtype=np.uint8)),
    settings=JointSettings(
        networks=ArchitectureSettings(min_top1_percent=FLOOR, population=4, generations=2),
        accelerators=SearchSettings(
            population=2,
            generations=2,
            mapping_evaluations=40,
            min_legal=5,
            final_effort=2,
            proof_evaluations=0,
            seed=SEEDS[0],
        ),
    ),
    num_seeds=len(SEEDS),
    num_processes=1,
)


@dataclass(frozen=True)
class Rescaled:
    """A stand-in for a row, with what the verdict reads."""

    seed: int
    way: str
    edp: float


def rescaled(row: JointRow, factor: float) -> JointRow:
    """The row with another EDP, as if its accelerator and network were searched in turn."""
    way = joint_table.ONE_AFTER_THE_OTHER
    return cast(JointRow, Rescaled(seed=row.seed, way=way, edp=factor * row.edp))


@pytest.fixture(scope="module")
def rows():
    return measure_joint(CONTEST)


def test_every_way_is_searched_once_a_seed(rows):
    ways = [(row.way, row.seed) for row in rows]
    due = {*product((*RIVALS, joint_table.JOINT), SEEDS)}
    due |= {(joint_table.FIXED, SEEDS[0]), (joint_table.SEARCHED, SEEDS[0])}
    assert len(ways) == len(due) and set(ways) == due


def test_each_way_keeps_what_it_does_not_search(rows):
    dims = {axis.dim for axis in CONTEST.preset.accelerator.axes}
    for row in rows:
        assert CONTEST.preset.budget.violations(row.accelerator) == []
        if row.way == joint_table.ACCELERATOR_ONLY:
            assert row.network_result.network == CONTEST.reference
        if row.way in (joint_table.JOINT, *RIVALS[1:]):
            assert row.top1_percent >= FLOOR
            assert row.evidence is FORMULA.source.evidence
        if row.way == joint_table.NETWORK_ONLY:
            assert row.accelerator.axes == CONTEST.preset.accelerator.axes
        if row.way == joint_table.SIZING:
            assert {axis.dim for axis in row.accelerator.axes} == dims


def test_one_after_the_other_has_as_many_searches_of_layers(rows):
    counts = {(row.way, row.seed): row.num_layers for row in rows}
    for seed in SEEDS:
        assert counts[joint_table.ONE_AFTER_THE_OTHER, seed] >= counts[joint_table.JOINT, seed] > 0


def test_ratios_are_those_of_the_rows(rows):
    text = joint_markdown(CONTEST, rows)
    joint = {row.seed: row.edp for row in rows if row.way == joint_table.JOINT}
    for way in RIVALS:
        ratios = [row.edp / joint[row.seed] for row in rows if row.way == way]
        mean = float(np.exp(np.mean(np.log(ratios))))
        assert f"| {way} | {mean:.3f} | {min(ratios):.3f} | {max(ratios):.3f} |" in text
    assert text.count("% (measured) |") == len(rows) and "optimistic" not in text
    mean = np.mean([np.log(r.edp / joint[r.seed]) for r in rows if r.way == RIVALS[-1]])
    assert joint_holds(rows) == (mean >= np.log(0.99))


def test_a_chip_that_folds_has_a_row_and_a_ratio_of_folded(rows):
    axes = (Axis(dim="R", size=4), Axis(dim="P", size=4))
    chip = EYERISS.accelerator.model_copy(update={"axes": axes})
    contest = replace(CONTEST, preset=EYERISS.model_copy(update={"accelerator": chip}))
    own = list(joint_table._preset_rows(contest))
    assert [row.way for row in own] == [
        joint_table.FIXED,
        joint_table.SEARCHED,
        joint_table.FOLDED,
    ]
    folded = own[-1]
    assert folded.edp <= own[1].edp
    text = joint_markdown(contest, [*own, *(row for row in rows if row.way in (*RIVALS, "joint"))])
    assert f"| {joint_table.FOLDED} | {SEEDS[0]} |" in text and "one for each layer" in text
    joint = [row.edp for row in rows if row.way == joint_table.JOINT]
    mean = float(np.exp(np.mean(np.log(joint))))
    assert f"{folded.edp / mean:.2f} for *folded*" in text
    for edp in joint:
        assert f"| {own[0].edp / edp:.2f} | {folded.edp / edp:.2f} |" in text


def test_a_rival_with_fewer_layers_goes_on_until_it_has_as_many(rows, monkeypatch):
    """Whatever a network of it costs: here each search of it counts for a quarter."""
    joint = next(row for row in rows if row.way == joint_table.JOINT)
    lengths = []

    def quarter(contest, way, settings):
        lengths.append(settings.accelerators.generations)
        return replace(joint, way=way, num_layers=joint.num_layers * lengths[-1] // 20)

    monkeypatch.setattr(joint_table, "_jointly", quarter)
    found = joint_table._one_after_the_other(CONTEST, joint)
    assert found.num_layers >= joint.num_layers
    assert lengths == sorted(set(lengths)) and 20 <= lengths[-1] <= 24


def test_a_joint_search_that_is_behind_does_not_hold(rows):
    """By more than one percent in the mean."""
    rival = [row for row in rows if row.way != joint_table.ONE_AFTER_THE_OTHER]
    joint = [row for row in rows if row.way == joint_table.JOINT]
    for edp, holds in ((0.992, True), (0.985, False)):
        others = [rescaled(row, edp) for row in joint]
        assert joint_holds([*rival, *others]) is holds
