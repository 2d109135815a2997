"""Programs of small random networks, for tests of the driver."""

import numpy as np
from plain_mappings import accelerator, one_tile

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.network_program import NetworkProgram, build_network_program
from naas_hw.driver.program_file import HostStep, ProgramFile, program_file_of
from naas_hw.graph.quantised import QuantisedGraph, Rearranged
from naas_hw.graph.random_graph import random_graph

DIGEST = 0x0123_4567_89AB_CDEF
SMALL = accelerator(8).model_copy(
    update={
        "weight_buffer_bytes": 1024,
        "input_buffer_bytes": 4096,
        "accumulator_words": 4096,
        "bank_bytes": 2048,
        "scale_depth": 64,
    }
)
"""With buffers for networks of some hundred numbers: an accelerator that is simulated fast."""


OTHER_ORDERS = (29, 39, 56, 124, 135)
"""Seeds of networks with inputs, outputs or operands of the host that lie as another image."""


def program_of(
    graph: QuantisedGraph,
    *,
    target: Accelerator | None = None,
    identity: int = DIGEST & 0xFFFF_FFFF,
) -> NetworkProgram:
    """Each layer as one tile."""
    target = target or accelerator(8)
    lowered = lower(graph, beat_bytes=target.beat_bytes)
    mappings = {call.layer.name: one_tile(call.layer) for call in lowered.layer_calls}
    return build_network_program(target, lowered, mappings, identity=identity)


def orders_of(file: ProgramFile) -> list[HostStep]:
    """Steps that put a tensor into the order of the image that it lies as, or back."""
    hosts = [step for step in file.steps if isinstance(step, HostStep)]
    return [step for step in hosts if isinstance(step.operator, Rearranged)]


def files(count: int = 12) -> list[tuple[NetworkProgram, ProgramFile]]:
    programs = [program_of(random_graph(seed)) for seed in range(count)]
    return [(program, program_file_of(program, digest=DIGEST)) for program in programs]


def places_of_records(content: bytes) -> np.ndarray:
    """Bytes of a program file behind its checksum, without constants and fields."""
    constants = int.from_bytes(content[88:96], "little")
    fields = int.from_bytes(content[208:216], "little")
    return np.concatenate([np.arange(16, 256), np.arange(256 + constants, fields)])
