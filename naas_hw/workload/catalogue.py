"""The layer tables of the built-in networks, shipped as data.

They are what the importer makes of the modules in `models`; a test keeps them equal. To make them
again: `python -m naas_hw.workload.catalogue`.
"""

from importlib.resources import as_file, files
from pathlib import Path

from naas_hw.workload.files import read_network, write_network
from naas_hw.workload.frontends.importer import import_network
from naas_hw.workload.models import BUILTINS, find_builtin
from naas_hw.workload.network import Network


def builtin_names() -> tuple[str, ...]:
    """Names that `load_builtin` takes."""
    return tuple(BUILTINS)


def load_builtin(name: str, resolution: int | None = None) -> Network:
    """A built-in network; at its default resolution out of the table, without torch.

    Raises
    ------
    InputError : no such network, or a resolution that it cannot have.
    ToolError : another resolution, and torch is not installed.
    """
    builtin = find_builtin(name)
    if resolution is not None and resolution != builtin.resolution:
        return import_network(name, resolution=resolution)
    with as_file(files("naas_hw.workload") / "data" / f"{name}.yaml") as path:
        return read_network(path)


def write_tables(folder: Path) -> None:
    """Import every built-in network and write its table into a folder."""
    for name in BUILTINS:
        write_network(import_network(name), folder / f"{name}.yaml")


if __name__ == "__main__":
    write_tables(Path(__file__).parent / "data")
