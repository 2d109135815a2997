"""Triples of accelerator, layer and mapping from files: one in a folder, or several in a list."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.files import read_accelerator
from naas_hw.mapping.files import read_mappings
from naas_hw.mapping.mapping import Mapping
from naas_hw.system.yaml_files import read_yaml, validate
from naas_hw.verify.case import Case
from naas_hw.workload.files import read_network
from naas_hw.workload.layer import Layer


def read_case(folder: Path) -> Case:
    """The triple that `write_case` wrote into a folder."""
    network = read_network(folder / "network.yaml")
    (layer,) = network.layers
    return Case(
        accelerator=read_accelerator(folder / "accelerator.yaml"),
        layer=layer.model_copy(update={"trailing_padding": None}),
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
    """The list in a YAML file."""
    return validate(CaseList, read_yaml(path), str(path))
