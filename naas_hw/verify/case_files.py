"""A triple of accelerator, layer and mapping as the three files that `naas simulate` takes."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.files import read_accelerator, write_accelerator
from naas_hw.core.errors import InputError
from naas_hw.mapping.files import read_mappings, write_mappings
from naas_hw.mapping.mapping import Mapping
from naas_hw.system.yaml_files import read_yaml, validate
from naas_hw.verify.case import Case
from naas_hw.workload.files import read_network, write_network
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network
from naas_hw.workload.sizes import with_stated_padding


def write_case(case: Case, folder: Path, *, name: str = "case") -> None:
    """Write accelerator.yaml, network.yaml and mapping.yaml.

    Raises
    ------
    InputError : the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: must be a folder: {error.strerror}") from error
    write_accelerator(case.accelerator, folder / "accelerator.yaml")
    layer = with_stated_padding(case.layer)
    write_network(Network(name=name, layers=(layer,)), folder / "network.yaml")
    write_mappings({case.layer.name: case.mapping}, folder / "mapping.yaml", network=name)


def read_case(folder: Path) -> Case:
    """The triple in such a folder.

    Raises
    ------
    InputError : a file is missing or wrong, or there is more than one layer.
    """
    network = read_network(folder / "network.yaml")
    if len(network.layers) != 1:
        raise InputError(f"{folder}: network.yaml must have 1 layer, not {len(network.layers)}")
    layer = network.layers[0].model_copy(update={"trailing_padding": None})
    return Case(
        accelerator=read_accelerator(folder / "accelerator.yaml"),
        layer=layer,
        mapping=read_mappings(folder / "mapping.yaml", network)[layer.name],
    )


class ListedCase(BaseModel):
    """A layer, its mapping, and what the pair is there for.

    Parameters
    ----------
    what : in words.
    dram_latency_cycles, dram_beat_period_cycles : instead of those of the list's accelerator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Annotated[str, Field(min_length=1)]
    layer: Layer
    mapping: Mapping
    dram_latency_cycles: int | None = None
    dram_beat_period_cycles: int | None = None


class CaseList(BaseModel):
    """Several pairs of layer and mapping for one accelerator, in one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    accelerator: Accelerator
    cases: Annotated[tuple[ListedCase, ...], Field(min_length=1)]

    def case(self, index: int) -> Case:
        """One of them as a triple."""
        listed = self.cases[index]
        memory = {
            name: value
            for name in ("dram_latency_cycles", "dram_beat_period_cycles")
            if (value := getattr(listed, name)) is not None
        }
        accelerator = Accelerator.model_validate({**self.accelerator.model_dump(), **memory})
        return Case(accelerator=accelerator, layer=listed.layer, mapping=listed.mapping)


def read_case_list(path: Path) -> CaseList:
    """The list in a YAML file.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    return validate(CaseList, read_yaml(path), str(path))
