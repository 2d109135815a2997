"""A search whose budget is a board: designs fit its FPGA, and milliseconds decide."""

from dataclasses import replace
from math import inf

import pytest

from naas_hw.arch.accelerator import Axis
from naas_hw.arch.devices import Resources
from naas_hw.arch.files import find_budget
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga import limits
from naas_hw.cost.fpga.limits import milliseconds_per_cycle, predict, violations
from naas_hw.cost.fpga.model import FpgaPrediction, fitted_model
from naas_hw.search.accelerator.history import History
from naas_hw.search.accelerator.search import search
from naas_hw.search.accelerator.settings import SearchSettings, settings_digest
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

BUDGET = find_budget("ulx3s-85f")
NETWORK = Network(
    name="two",
    layers=(
        Layer(name="conv", K=32, C=16, P=16, Q=16, R=3, S=3, height=16, width=16, padding=(1, 1)),
        Layer(name="point", K=64, C=32, P=8, Q=8, height=8, width=8),
    ),
)
SETTINGS = SearchSettings(
    objective=Objective.LATENCY,
    population=4,
    generations=3,
    mapping_evaluations=30,
    min_legal=5,
    finalists=2,
    final_effort=1,
    proof_evaluations=0,
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    """What a short search found, and its candidates."""
    path = tmp_path_factory.mktemp("search") / "history.sqlite"
    result = search([NETWORK], BUDGET, SETTINGS, history=path)
    with History.read(path) as history:
        return result, list(history.candidates())


def test_every_candidate_fits_the_board(found):
    result, candidates = found
    assert BUDGET.fpga is not None and len(candidates) == 12
    for accelerator in (result.accelerator, *(c.accelerator for c in candidates)):
        assert violations(BUDGET, accelerator) == []
        needs = predict(accelerator, BUDGET.fpga).resources
        assert needs.shortages(BUDGET.fpga.limits) == ()


def test_scores_are_milliseconds_at_the_predicted_clock(found):
    result, candidates = found
    (network,) = result.networks
    assert BUDGET.fpga is not None
    clock_mhz = predict(result.accelerator, BUDGET.fpga).clock_mhz
    assert result.prediction is not None and result.prediction.clock_mhz == clock_mhz
    assert result.score == pytest.approx(network.report.cycles / (1000 * clock_mhz))
    assert result.milliseconds(network) == pytest.approx(result.score)
    for candidate in candidates:
        per_cycle = milliseconds_per_cycle(BUDGET, candidate.accelerator)
        assert candidate.score == pytest.approx(candidate.cycles[0] * per_cycle)
    assert result.score <= min(candidate.score for candidate in candidates)


def test_the_front_compares_milliseconds(found):
    points = found[0].front.points
    for point in points:
        per_cycle = milliseconds_per_cycle(BUDGET, point.accelerator)
        assert point.milliseconds == pytest.approx(point.cycles * per_cycle)
        assert point.compared == (point.milliseconds, point.energy_pj, point.area_um2)
        assert not any(
            other is not point
            and all(a <= b for a, b in zip(other.compared, point.compared, strict=True))
            for other in points
        )


def test_energy_times_time_counts_the_same_milliseconds():
    settings = replace(SETTINGS, objective=Objective.EDP, generations=1)
    result = search([NETWORK], BUDGET, settings)
    (network,) = result.networks
    milliseconds = result.milliseconds(network)
    assert milliseconds is not None
    assert result.score == pytest.approx(milliseconds * network.report.energy_pj)


def test_energy_alone_counts_no_time():
    settings = replace(SETTINGS, objective=Objective.ENERGY, generations=1)
    result = search([NETWORK], BUDGET, settings)
    assert result.score == pytest.approx(result.networks[0].report.energy_pj)


def test_a_slow_clock_makes_a_design_lose(found, monkeypatch):
    best = found[0].accelerator
    model = fitted_model()

    class Slow:
        digest = "slow"

        def predict(self, accelerator, part) -> FpgaPrediction:
            predicted = model.predict(accelerator, part)
            is_best = accelerator.axes == best.axes
            return replace(predicted, clock_mhz=predicted.clock_mhz / (100 if is_best else 1))

    monkeypatch.setattr(limits, "fitted_model", Slow)
    again = search([NETWORK], BUDGET, SETTINGS)
    assert again.accelerator.axes != best.axes and again.score < inf


def test_a_board_that_nothing_fits_is_refused_with_what_is_short(monkeypatch):
    class Large:
        digest = "large"

        def predict(self, accelerator, part) -> FpgaPrediction:
            return FpgaPrediction(resources=Resources(lut4=10**6), clock_mhz=50.0)

    monkeypatch.setattr(limits, "fitted_model", Large)
    with pytest.raises(InputError, match="of the last one, predicted LUT4 must be at most 22,000"):
        search([NETWORK], BUDGET, SETTINGS)


def test_a_start_that_does_not_fit_the_board_is_refused():
    large = Axis(dim="P", size=8), Axis(dim="Q", size=9)  # an accumulator in each PE
    start = predicted_free(large)
    with pytest.raises(InputError, match="start must be within budget ulx3s-85f: predicted LUT4"):
        search([NETWORK], BUDGET, replace(SETTINGS, start=(start,)))


def predicted_free(axes: tuple[Axis, ...]):
    """An array that is within the budget as far as PEs and bytes go."""
    from naas_hw.search.accelerator.encoding import AcceleratorEncoding

    accelerator = AcceleratorEncoding(budget=BUDGET).with_buffers(axes, [0.0, 0.0, 0.0, 0.3])
    assert BUDGET.violations(accelerator) == []
    return accelerator


def test_other_data_of_the_model_is_another_search(monkeypatch):
    before = settings_digest([NETWORK], BUDGET, SETTINGS)
    plain = BUDGET.model_copy(update={"fpga": None})
    assert settings_digest([NETWORK], plain, SETTINGS) != before
    monkeypatch.setattr(fitted_model(), "digest", "other")
    assert settings_digest([NETWORK], BUDGET, SETTINGS) != before
