"""Networks as YAML files."""

from pathlib import Path

from naas_hw.system.files import write_file
from naas_hw.system.yaml_files import dump_yaml, read_yaml, validate
from naas_hw.workload.network import Network


def read_network(path: str | Path) -> Network:
    """The network in a YAML file.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    return validate(Network, read_yaml(path), str(path))


def write_network(network: Network, path: str | Path) -> None:
    """Write a network as YAML, one line a layer; the same network gives the same bytes."""
    write_file(path, dump_yaml(network))
