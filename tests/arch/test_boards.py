"""Board files say what is soldered to an FPGA; what could not be is refused in one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from naas_hw.arch.boards import BoardDram, board_names, find_board, read_board
from naas_hw.core.errors import InputError
from naas_hw.system.yaml_files import dump_yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_board.yaml"


@pytest.mark.parametrize("name", board_names())
def test_a_built_in_board_has_the_name_of_its_file_and_a_part(name: str) -> None:
    board = find_board(name)
    assert board.name == name
    assert board.part.device.resources.dsp == 156  # both are 85F
    assert {"clk", "rx", "tx"} <= set(board.pins)


def test_the_ulx3s_and_another_board_are_built_in() -> None:
    assert "ulx3s-85f" in board_names() and len(board_names()) >= 2


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    board = find_board("ulx3s-85f")
    (tmp_path / "mine.yaml").write_text(dump_yaml(board))
    assert find_board(str(tmp_path / "mine.yaml")) == board


def test_the_example_is_a_board() -> None:
    board = read_board(EXAMPLE)
    assert board.name == "my-board" and board.dram is not None


def test_an_unknown_board_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"board must be one of .*ulx3s-85f, or a YAML file, not"):
        find_board("ulx4m")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "x; rm -rf ~"}, "name must match pattern"),
        ({"name": "../../x"}, "name must match pattern"),
        (
            {"device": "xc7a35t", "package": "CPG236", "speed_grade": 1},
            "device of a board must be an ECP5, not xc7a35t",
        ),
        ({"device": "--85k"}, "device must be one of lfe5u-12f"),
        ({"package": "BG381 --evil"}, "package of lfe5u-85f must be one of CABGA381"),
        ({"speed_grade": 9}, "speed grade of lfe5u-85f must be one of 6, 7, 8, not 9"),
        ({"clock": {"site": 'G2";\nX', "megahertz": 25.0}}, r"clock.site must match pattern"),
        ({"clock": {"site": "G2", "io_type": "LVCMOS33 X=1", "megahertz": 25.0}}, "clock.io_type"),
        ({"clock": {"site": "G2", "megahertz": 0.0}}, "clock.megahertz must be greater than 0"),
        ({"led": {"site": "M1"}}, "pins must differ, not M1 twice"),
        ({"led": {"site": "B2", "pull": "sideways"}}, "led.pull must be 'up', 'down' or 'none'"),
        ({"memory_bytes": 5000}, "memory_bytes must be a multiple of 4096"),
        ({"colour": "red"}, "colour is not a known field"),
    ],
)
def test_what_is_wrong_is_refused(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    data = find_board("ulx3s-85f").model_dump(mode="json") | changes
    (tmp_path / "wrong.yaml").write_text(json.dumps(data))  # which is YAML, too
    with pytest.raises(InputError, match=sentence):
        read_board(tmp_path / "wrong.yaml")


def test_a_memory_gives_the_period_of_beats_of_any_width() -> None:
    """Two bytes a cycle: eight in four."""
    dram = BoardDram(
        description="x", size_bytes=4096, latency_cycles=9, beat_bytes=2, beat_period_cycles=1
    )
    assert [dram.period(width) for width in (1, 2, 4, 8, 32)] == [1, 1, 2, 4, 16]
