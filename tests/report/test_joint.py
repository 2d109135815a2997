"""A joint search in the report: the source of an accuracy stands wherever the figure does."""

import re
from dataclasses import replace

import pytest

from naas_hw.nas.accuracy.oracle import AccuracySource, Evidence
from naas_hw.report.joint import joint_figure
from naas_hw.report.page import key_figures, render_report, run_rows
from naas_hw.runs.result_json import JointPointRecord, JointRecord


def with_joint(facts, evidence):
    """The facts of a joint search with two networks on its front."""
    label = AccuracySource(evidence=evidence, basis="of eight networks").label
    points = tuple(
        JointPointRecord(
            score=score, top1_percent=top1_percent, accuracy=label, choices={"width": width},
            accelerator=facts.accelerator,
        )
        for score, top1_percent, width in ((2e12, 78.25, 4), (3e12, 79.5, 8))
    )  # fmt: skip
    joint = JointRecord(
        space="tiny", top1_percent=78.25, accuracy=label, min_top1_percent=78.2,
        num_networks=20, num_layers=30, front=points,
    )  # fmt: skip
    result = facts.result.model_copy(update={"joint": joint, "front": None})
    return replace(facts, result=result)


@pytest.mark.parametrize("evidence", Evidence)
def test_axis_heading_and_tooltips_say_what_an_accuracy_is_worth(searched_facts, evidence):
    facts = with_joint(searched_facts, evidence)
    figure = joint_figure(facts, facts.result.joint)
    assert figure.table.columns[0] == f"top-1, {evidence.value}, %"
    tooltips = re.findall(r"<title>([^<]* %[^<]*)</title>", figure.picture)
    assert len(tooltips) == len(facts.result.joint.front)
    assert all(f"% ({evidence.value})" in tooltip for tooltip in tooltips)
    (axis,) = re.findall(r"<text[^>]*rotate[^>]*>([^<]*)</text>", figure.picture)
    assert axis == f"top-1, {evidence.value}, %"
    assert f"Accuracy: {evidence.value} (of eight networks)." in figure.caption


def test_no_accuracy_of_an_estimate_stands_without_the_words(searched_facts):
    """On the whole page, each text with a top-1 in it says what it is."""
    text = render_report(with_joint(searched_facts, Evidence.OPTIMISTIC))
    found = re.findall(r">([^<>]*top-1[^<>]*)<", text)
    labels = [one for one in found if one != "top-1"]  # the tile's, whose note has the words
    assert len(labels) >= 5 and all("optimistic estimate" in label for label in labels)


def test_the_reported_network_has_accuracy_worth_and_floor(searched_facts):
    facts = with_joint(searched_facts, Evidence.MEASURED)
    sentence = "top-1 78.25 %, measured (of eight networks); at least 78.2 % was asked for"
    assert dict(run_rows(facts))["accuracy"] == sentence
    assert "accuracy" not in dict(run_rows(searched_facts))
    tiles = {tile.label: tile for tile in key_figures(facts)}
    assert tiles["top-1"].value == "78.25 %"
    assert tiles["top-1"].note == "measured; 78.2 % at least was asked for"
    assert "top-1" not in {tile.label for tile in key_figures(searched_facts)}


def test_a_joint_run_keeps_the_front_of_its_candidates(searched_facts):
    text = render_report(with_joint(searched_facts, Evidence.PREDICTED))
    assert "best score" in text and "Hypervolume" not in text


@pytest.mark.needs("chromium", "chromedriver")
@pytest.mark.parametrize("width", [320, 1280])
def test_the_words_fit_into_chart_and_screen(browser, searched_facts, tmp_path, width):
    page = tmp_path / "joint.html"
    page.write_text(render_report(with_joint(searched_facts, Evidence.OPTIMISTIC)), "utf-8")
    browser.resize(width, 800)
    browser.open(page)
    outside = """return [...document.querySelectorAll("svg text")].filter(text => {
        const box = text.getBoundingClientRect();
        const whole = text.ownerSVGElement.getBoundingClientRect();
        return box.left < whole.left - 1 || box.right > whole.right + 1 ||
            box.top < whole.top - 1 || box.bottom > whole.bottom + 1;
    }).map(text => text.textContent)"""
    assert browser.run(outside) == []
    assert browser.run("return document.documentElement.scrollWidth") == width
