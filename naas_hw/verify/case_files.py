"""A triple of accelerator, layer and mapping as the three files that `naas simulate` takes."""

from pathlib import Path

from naas_hw.arch.files import write_accelerator
from naas_hw.core.errors import InputError
from naas_hw.mapping.files import write_mappings
from naas_hw.verify.case import Case
from naas_hw.workload.files import write_network
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
