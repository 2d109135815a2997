"""The mappings of a network as a YAML file: name of a layer -> its mapping."""

from collections.abc import Mapping as AbstractMapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.core.errors import InputError
from naas_hw.mapping.mapping import Mapping
from naas_hw.system.files import write_file
from naas_hw.system.yaml_files import dump_yaml, read_yaml, validate
from naas_hw.workload.layer import Name
from naas_hw.workload.network import Network


class NetworkMapping(BaseModel):
    """One mapping for each layer of a network, by the layer's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    network: Name = "network"
    layers: Annotated[dict[Name, Mapping], Field(min_length=1)]


def read_mappings(path: str | Path, network: Network | None = None) -> dict[str, Mapping]:
    """Name of a layer -> mapping, in the file's order.

    Parameters
    ----------
    network : if given, the file must hold exactly its layers.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    mappings = validate(NetworkMapping, read_yaml(path), str(path)).layers
    if network is not None:
        _check_names([layer.name for layer in network.layers], list(mappings), str(path))
    return dict(mappings)


def _check_names(due: list[str], names: list[str], source: str) -> None:
    if missing := [name for name in due if name not in names]:
        raise InputError(f"{source}: layers must hold a mapping of {missing[0]}")
    if unknown := [name for name in names if name not in due]:
        raise InputError(f"{source}: layers must be those of the network, not {unknown[0]}")


def write_mappings(
    mappings: AbstractMapping[str, Mapping], path: str | Path, *, network: str = "network"
) -> None:
    """Write mappings as YAML; the same ones give the same bytes."""
    write_file(path, dump_yaml(NetworkMapping(network=network, layers=dict(mappings))))
