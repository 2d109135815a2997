"""A network with its driver as files, beside the generated hardware.

program/network.naas     the program file
driver/naas.h, *.c       the driver in C, and an example for Linux; they include
                         rtl/registers/naas_registers.h
"""

from collections.abc import Mapping as AbstractMapping
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.network_program import NetworkProgram
from naas_hw.cost.evaluate import evaluate
from naas_hw.driver.encoding import encode
from naas_hw.driver.program_file import program_file_of
from naas_hw.driver.sources import driver_sources
from naas_hw.emit.plan import FilePlan
from naas_hw.mapping.mapping import Mapping

NETWORK_FILE: Final = "network.naas"
"""The program file in the folder `program/`."""


def plan_network(
    accelerator: Accelerator,
    program: NetworkProgram,
    mappings: AbstractMapping[str, Mapping],
    digest: int,
) -> FilePlan:
    """The program file of a network, and the driver.

    Parameters
    ----------
    mappings : by the name of each layer; their predicted cycles set the watchdog.
    digest : of the accelerator.
    """
    cycles = {
        call.layer.name: evaluate(accelerator, call.layer, mappings[call.layer.name], SIZED).cycles
        for call in program.lowered.layer_calls
    }
    file = encode(program_file_of(program, digest=digest, cycles=cycles))
    return FilePlan.of({NETWORK_FILE: file}, folder="program") | FilePlan.of(
        driver_sources(), folder="driver"
    )
