"""Accelerators, budgets and energy tables as YAML files, or by a name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.board_budget import board_budget
from naas_hw.arch.boards import Board, board_names, find_board
from naas_hw.arch.budget import Budget
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import ENERGY_TABLES, EnergyTable, SizedTable
from naas_hw.core.errors import InputError
from naas_hw.system.files import write_file
from naas_hw.system.yaml_files import dump_yaml, read_yaml, validate

DEVICE_FIELD: Final = "device"
"""A field that every board has, and no budget."""


def read_accelerator(path: str | Path) -> Accelerator:
    """The accelerator in a YAML file.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    return validate(Accelerator, read_yaml(path), str(path))


def write_accelerator(accelerator: Accelerator, path: str | Path) -> None:
    """Write an accelerator as YAML; the same one gives the same bytes."""
    write_file(path, dump_yaml(accelerator))


def read_budget(path: str | Path) -> Budget:
    """The budget in a YAML file.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    return validate(Budget, read_yaml(path), str(path))


def write_budget(budget: Budget, path: str | Path) -> None:
    """Write a budget as YAML; the same one gives the same bytes."""
    write_file(path, dump_yaml(budget))


def read_energy_table(path: str | Path) -> SizedTable:
    """The energy table in a YAML file.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value; other figures than those of
        the table that is built in under its name.
    """
    table = validate(SizedTable, read_yaml(path), str(path))
    if ENERGY_TABLES.get(table.name, table) != table:
        raise InputError(
            f"{path}: name must not be that of a built-in table with other figures, "
            f"not {table.name!r}"
        )
    return table


def write_energy_table(table: SizedTable, path: str | Path) -> None:
    """Write an energy table as YAML; the same one gives the same bytes."""
    write_file(path, dump_yaml(table))


def find_accelerator(name_or_path: str) -> Accelerator:
    """A preset by its name, or the accelerator in a file."""
    if name_or_path in PRESETS:
        return PRESETS[name_or_path].accelerator
    _refuse_unknown_name("accelerator", name_or_path, PRESETS)
    return read_accelerator(name_or_path)


def find_budget(name_or_path: str) -> Budget:
    """A preset's or a board's budget by its name, or the budget or the board in a file.

    Raises
    ------
    InputError : one sentence that names rule and value; a board without memory beside its FPGA.
    """
    if name_or_path in PRESETS:
        return PRESETS[name_or_path].budget
    if name_or_path in board_names():
        return board_budget(find_board(name_or_path))
    _refuse_unknown_name("budget", name_or_path, (*PRESETS, *board_names()))
    content = read_yaml(name_or_path)
    if isinstance(content, dict) and DEVICE_FIELD in content:
        return board_budget(validate(Board, content, name_or_path))
    return validate(Budget, content, name_or_path)


def find_energy_table(name_or_path: str) -> EnergyTable:
    """A built-in energy table by its name, or the one in a file."""
    if name_or_path in ENERGY_TABLES:
        return ENERGY_TABLES[name_or_path]
    _refuse_unknown_name("energy_table", name_or_path, ENERGY_TABLES)
    return read_energy_table(name_or_path)


def _refuse_unknown_name(what: str, text: str, names: Iterable[str]) -> None:
    if not text.endswith((".yaml", ".yml")) and not Path(text).exists():
        known = ", ".join(names)
        raise InputError(f"{what} must be one of {known}, or a YAML file, not {text!r}")
