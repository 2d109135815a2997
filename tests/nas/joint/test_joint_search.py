"""A network with its accelerator: above the floor, within the budget, a run like any other."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from tiny_space import FORMULA, SPACE

from naas_hw import api
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.presets import PRESETS
from naas_hw.cli import main
from naas_hw.core.deprecation import REMOVED_IN
from naas_hw.core.errors import InputError
from naas_hw.nas.joint.architecture_search import Aim, ArchitectureSettings
from naas_hw.nas.joint.joint_search import NUM_ELITE, NUM_JUDGES, search_jointly
from naas_hw.nas.joint.settings import ESTIMATE, JointSettings, Mode, find_oracle
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping import network_search
from naas_hw.search.mapping.network_search import anonymous, search_layers
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Layer

FLOOR = 88
BUDGET = PRESETS["shidiannao"].budget


def settings(mode=Mode.JOINT, floor=FLOOR):
    return JointSettings(
        networks=ArchitectureSettings(min_top1_percent=floor, population=4, generations=2),
        accelerators=SearchSettings(
            population=2, generations=2, mapping_evaluations=40, min_legal=5, final_effort=2
        ),
        mode=mode,
    )


@pytest.mark.parametrize("mode", Mode)
def test_the_best_is_above_the_floor_within_the_budget_and_exact(mode):
    found = search_jointly(SPACE, FORMULA, BUDGET, settings(mode))
    assert found.top1_percent >= FLOOR
    assert found.accuracy_source is FORMULA.source
    assert BUDGET.violations(found.accelerator) == []
    design = api.Design(
        accelerator=found.accelerator,
        network=found.network_result.network,
        mappings=found.network_result.mappings,
    )
    assert api.evaluate(design).edp == pytest.approx(found.score, rel=1e-12)
    assert list(found.best_scores) == sorted(found.best_scores, reverse=True)
    on_preset = found.accelerator.axes == PRESETS["shidiannao"].accelerator.axes
    assert on_preset or mode is not Mode.NETWORK_ONLY


def test_the_front_has_no_point_that_another_beats():
    """Both figures rise along it, and each accuracy is that of its network."""
    found = search_jointly(SPACE, FORMULA, BUDGET, settings(floor=80))
    scores = [point.score for point in found.front]
    percents = [point.top1_percent for point in found.front]
    assert len(scores) > 1
    assert scores == sorted(set(scores))
    assert percents == sorted(set(percents))
    encodings = np.array([point.encoding for point in found.front])
    assert percents == FORMULA.accuracies(encodings).top1_percent.tolist()


@pytest.mark.parametrize("objective", Objective)
def test_a_front_is_searched_for_each_objective(objective):
    """Aimed at as a whole it holds the most accurate network of the space, and the best score."""
    wanted = settings(floor=80)
    networks = wanted.networks.model_copy(update={"aim": Aim.FRONT, "generations": 4})
    accelerators = replace(wanted.accelerators, objective=objective)
    wanted = JointSettings(networks=networks, accelerators=accelerators)
    found = search_jointly(SPACE, FORMULA, BUDGET, wanted)
    assert found.front[-1].top1_percent == 80 + 2 + 3 * 4
    assert found.front[0].score == min(point.score for point in found.front)
    assert found.score == found.network_result.score(objective)
    assert found.top1_percent >= 80


def test_a_rival_that_fixes_its_network_has_no_front_to_aim_at():
    wanted = settings(Mode.ONE_AFTER_THE_OTHER)
    networks = wanted.networks.model_copy(update={"aim": Aim.FRONT})
    with pytest.raises(InputError, match="must search one network; it cannot search a front"):
        replace(wanted, networks=networks)


def test_the_same_settings_give_the_same_result():
    first, second = (search_jointly(SPACE, FORMULA, BUDGET, settings()) for _ in range(2))
    assert first.accelerator == second.accelerator
    assert first.encoding == second.encoding
    assert first.score == second.score
    assert first.front == second.front


def test_networks_are_bred_for_the_best_eighth_of_a_generation():
    """Of eight accelerators for one at most, from eight parents; the others see two judges."""
    wanted = settings()
    wanted = replace(wanted, accelerators=replace(wanted.accelerators, population=8, seed=1))
    found = search_jointly(SPACE, FORMULA, BUDGET, wanted)
    bred = NUM_ELITE + wanted.networks.generations * wanted.networks.population
    assert found.num_networks <= wanted.accelerators.generations * (bred + 7 * NUM_JUDGES)
    assert found.num_networks > 2 * 8 * NUM_JUDGES


def test_network_only_needs_a_preset():
    budget = BUDGET.model_copy(update={"name": "own"})
    with pytest.raises(InputError, match="network-only must have a preset as its budget, not own"):
        search_jointly(SPACE, FORMULA, budget, settings(Mode.NETWORK_ONLY))


def test_the_estimate_speaks_of_its_own_space_only():
    with pytest.raises(InputError, match="must be asked of ofa-resnet50 only, not of tiny"):
        find_oracle(ESTIMATE, SPACE)


SMALL = (
    *("--min-accuracy", str(FLOOR), "--accuracy", "tiny_space:FORMULA", "--budget", "shidiannao"),
    *("--generations", "2", "--population", "2", "--evaluations", "40", "--processes", "1"),
)


def cosearch(*options):
    return main(["cosearch", "tiny_space:SPACE", *options])


def joint(*options):
    return main(["search", "--joint", "tiny_space:SPACE", "--budget", "shidiannao", *options])


def test_the_command_writes_a_run_like_any_other(tmp_path, capsys):
    run = tmp_path / "run"
    assert cosearch(*SMALL, "-o", str(run)) == 0
    captured = capsys.readouterr()
    said = captured.out
    assert "deprecated" not in captured.err
    assert "measured (a formula)" in said
    assert re.search(r"search cost: \d[\d,]* CPU seconds .* 120 times fewer GPU days", said)
    result = json.loads((run / "result.json").read_text())
    assert result["networks"][0]["edp"] == api.evaluate(run).edp
    assert result["joint"]["top1_percent"] >= result["joint"]["min_top1_percent"] == FLOOR
    assert result["joint"]["accuracy"] == "measured (a formula)"
    assert {point["accuracy"] for point in result["joint"]["front"]} == {"measured (a formula)"}
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text()
    assert "Accuracy over score" in page
    top1 = f"{result['joint']['top1_percent']:.2f} %"
    assert f"top-1 {top1}, measured (a formula); at least {FLOOR} % was asked for" in page
    for point in result["joint"]["front"]:
        choices = ", ".join(f"{name} {value}" for name, value in point["choices"].items())
        assert choices in page


def test_search_with_joint_does_the_same_and_names_the_command(tmp_path, capsys):
    old, new = tmp_path / "old", tmp_path / "new"
    assert main(["search", "--joint", "tiny_space:SPACE", *SMALL, "-o", str(old)]) == 0
    (hint,) = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert hint == (
        "naas: warning: naas search --joint is deprecated and will stop working in version "
        f"{REMOVED_IN}; use naas cosearch instead"
    )
    assert cosearch(*SMALL, "-o", str(new)) == 0
    assert (old / "result.json").read_bytes() == (new / "result.json").read_bytes()


def test_one_command_resumes_what_the_other_began(tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["search", "--joint", "tiny_space:SPACE", *SMALL, "-o", str(run)]) == 0
    before = (run / "result.json").read_bytes()
    assert cosearch(*SMALL, "-o", str(run), "--resume") == 0
    assert (run / "result.json").read_bytes() == before


@pytest.fixture
def searched(monkeypatch):
    """Accelerator, layer and evaluations of every search of a layer, in order."""
    found: list[tuple[Accelerator, Layer, int]] = []

    def counting(accelerator, layers, settings):
        found.extend((accelerator, anonymous(layer), settings.evaluations) for layer in layers)
        return search_layers(accelerator, layers, settings)

    monkeypatch.setattr(network_search, "search_layers", counting)
    return found


@pytest.mark.parametrize("mode", Mode)
def test_a_layer_is_searched_once_for_an_accelerator(searched, mode):
    """However many networks have it; the final mappings are searched once more, and longer."""
    wanted = settings(mode)
    found = search_jointly(SPACE, FORMULA, BUDGET, wanted)
    assert len(searched) == len(set(searched))
    short = wanted.accelerators.mapping_evaluations
    assert sum(evaluations == short for *_, evaluations in searched) == found.num_layers > 0
    assert {evaluations for *_, evaluations in searched} == {
        short,
        short * wanted.accelerators.final_effort,
    }


class KilledError(Exception):
    """In the place of a process that ends."""


def test_a_floor_out_of_reach_leaves_no_folder(tmp_path, capsys):
    """A second try with another floor does not need --force."""
    run = tmp_path / "run"
    assert cosearch(*SMALL, "--min-accuracy", "99", "-o", str(run)) == 2
    assert "no network of tiny reaches an accuracy of 99 %" in capsys.readouterr().err
    assert not run.exists()


def test_a_folder_of_a_user_stays_where_no_network_meets_the_floor(tmp_path):
    """Only files that the command made are removed."""
    run = tmp_path / "run"
    run.mkdir()
    assert cosearch(*SMALL, "--min-accuracy", "99", "-o", str(run)) == 2
    assert run.is_dir() and not list(run.glob("*.sqlite*"))


@pytest.mark.parametrize("num_before", [1, 3])
def test_a_search_that_was_stopped_goes_on_to_the_same_result(tmp_path, searched, num_before):
    """What it had searched of layers is not searched again."""
    where = settings()

    def run(folder, resume=False, progress=None):
        kept = api.RunSettings(folder=tmp_path / folder, resume=resume)
        return api.search_jointly(SPACE, FORMULA, BUDGET, where, run=kept, progress=progress)

    def stop(progress):
        if progress.num_candidates == num_before:
            raise KilledError

    whole = run("whole")
    num_whole = len(searched)
    searched.clear()
    with pytest.raises(KilledError):
        run("stopped", progress=stop)
    num_first = len(searched)
    assert 0 < num_first < num_whole
    assert run("stopped", resume=True) == whole
    assert len(searched) == num_whole
    texts = [(tmp_path / folder / "result.json").read_text() for folder in ("whole", "stopped")]
    assert texts[0] == texts[1]
    with pytest.raises(InputError, match="can only continue the search that was begun"):
        where = settings(floor=80)
        run("stopped", resume=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["resnet50", "--min-accuracy", "80"], "networks must not be given with --joint"),
        (["--generations", "0"], "--generations must be at least 1, not 0"),
        (["--min-accuracy", "-1"], "--min-accuracy must be at least 0, not -1"),
        (
            ["--min-accuracy", "80", "--generations", "1", "--joint-mode", "one-after-the-other"],
            "one-after-the-other must have at least 2 generations, not 1",
        ),
        ([], "--min-accuracy must be given with --joint"),
    ],
)
def test_what_does_not_go_together(options, sentence, tmp_path, capsys):
    assert joint("-o", str(tmp_path / "run"), *options) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Missing option '--min-accuracy'"),
        (["--min-accuracy", "101"], "--min-accuracy must be at most 100, not 101"),
        (["--min-accuracy", "nan"], "--min-accuracy must be at most 100, not nan"),
        (["--min-accuracy", "80", "--mode", "all"], "mode must be one of joint, network-only, "),
        (
            ["--min-accuracy", "80", "--accuracy", "guess"],
            "accuracy must be imagenet-estimate, ofa-predictor:FILE or",
        ),
        (["--min-accuracy", "80", "--screening", "2"], "No such option: --screening"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(options, sentence, tmp_path, capsys):
    run = tmp_path / "run"
    assert cosearch("--budget", "shidiannao", "-o", str(run), *options) == 2
    assert sentence in capsys.readouterr().err
    assert not run.exists()
