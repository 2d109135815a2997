"""A board as a budget: what it has, and what is refused."""

import pytest

from naas_hw.arch.board_budget import beat_bytes_beside, board_budget
from naas_hw.arch.boards import board_names, find_board
from naas_hw.arch.budget import Budget, FpgaBudget
from naas_hw.arch.devices import Resources
from naas_hw.arch.files import find_budget, write_budget
from naas_hw.core.errors import InputError
from naas_hw.system.yaml_files import dump_yaml


@pytest.mark.parametrize("name", board_names())
def test_every_built_in_board_is_a_budget_with_its_memory(name: str):
    board, budget = find_board(name), find_budget(name)
    assert board.dram is not None and budget.fpga is not None
    assert budget.fpga.part == board.part and budget.fpga.board == name
    assert budget.dram_latency_cycles == board.dram.latency_cycles
    bytes_in_a_period = board.dram.beat_bytes * budget.dram_beat_period_cycles
    assert bytes_in_a_period >= budget.beat_bytes * board.dram.beat_period_cycles
    assert budget.max_pes <= board.part.device.resources.dsp


@pytest.mark.parametrize(
    ("device", "limits"),
    [
        ("lfe5u-85f", Resources(lut4=22_000, ff=83_640, dsp=156, block_ram=166)),
        ("lfe5u-25f", Resources(lut4=14_572, ff=24_288, dsp=28, block_ram=44)),
    ],
)
def test_an_accelerator_takes_a_share_and_no_more_than_is_routed_in_minutes(
    device: str, limits: Resources
):
    fpga = FpgaBudget(board="any", device=device, package="CABGA381", speed_grade=6)
    assert fpga.limits == limits


def test_the_memory_of_the_ecpix5_moves_a_beat_a_cycle():
    budget = find_budget("ecpix5-85f")
    assert (budget.beat_bytes, budget.dram_beat_period_cycles) == (8, 1)


def test_a_beat_of_the_ulx3s_is_as_narrow_as_one_can_be():
    budget = find_budget("ulx3s-85f")
    assert (budget.beat_bytes, budget.dram_beat_period_cycles) == (4, 2)


@pytest.mark.parametrize(
    ("beat_bytes", "period", "expected"), [(1, 3, 4), (4, 1, 4), (8, 2, 4), (8, 1, 8), (32, 1, 8)]
)
def test_a_beat_takes_what_the_memory_moves(beat_bytes: int, period: int, expected: int):
    dram = find_board("ulx3s-85f").dram
    assert dram is not None
    changes = {"beat_bytes": beat_bytes, "beat_period_cycles": period}
    assert beat_bytes_beside(dram.model_copy(update=changes)) == expected


def test_a_file_may_be_a_budget_or_a_board(tmp_path):
    board, plain = find_board("ulx3s-85f"), Budget(max_pes=64, on_chip_bytes=65536)
    (tmp_path / "board.yaml").write_text(dump_yaml(board.model_copy(update={"name": "mine"})))
    write_budget(plain, tmp_path / "plain.yaml")
    assert find_budget(str(tmp_path / "plain.yaml")) == plain
    mine = find_budget(str(tmp_path / "board.yaml"))
    expected = board_budget(board.model_copy(update={"name": "mine"}))
    assert mine == expected and mine.name == "mine"


def test_a_board_without_dram_is_refused_in_a_sentence():
    board = find_board("ulx3s-85f").model_copy(update={"dram": None})
    sentence = "budget must be a board with `dram`, the memory beside its FPGA, not ulx3s-85f"
    with pytest.raises(InputError) as raised:
        board_budget(board)
    assert str(raised.value) == sentence


def test_an_unknown_budget_is_refused_with_presets_and_boards():
    with pytest.raises(InputError, match="ecpix5-85f, ulx3s-85f, or a YAML file, not 'ulx4s'"):
        find_budget("ulx4s")


def test_a_budget_without_an_fpga_is_written_as_before():
    assert "fpga" not in Budget(max_pes=64, on_chip_bytes=65536).model_dump()
