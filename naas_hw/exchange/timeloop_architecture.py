"""An accelerator as Timeloop's architecture: DRAM, one global buffer, PEs with one buffer each.

The three memories of a PE (weights, inputs, and the accumulators behind its adder tree) are one
buffer here, as large as the three together; adder trees, lanes and banks are not told.
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import Accelerator
from naas_hw.exchange.timeloop_format import (
    DRAM,
    GLOBAL_BUFFER,
    MAC,
    PE,
    PE_BUFFER,
    Version,
    quoted,
    tagged,
)

SYSTEM: Final = "system"
CHIP: Final = "chip"
L2_READ_PORTS: Final = 4
"""Fill of weights, fill of inputs, sums for drain, store."""
L2_WRITE_PORTS: Final = 2
"""Load and drain."""

Bandwidth = Annotated[float, Field(gt=0)]


class Attributes(BaseModel):
    """What an architecture of Timeloop says beside sizes and shape; frozen.

    Parameters
    ----------
    word_bits : bits of an element.
    technology, dram_type : names that its energy estimators know.
    *_bandwidth : elements a cycle; None leaves it out, which Timeloop takes as unlimited.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    word_bits: Annotated[int, Field(ge=1, le=64)] = 8
    technology: str = "45nm"
    dram_type: str = "LPDDR4"
    dram_read_bandwidth: Bandwidth | None = None
    dram_write_bandwidth: Bandwidth | None = None
    l2_read_bandwidth: Bandwidth | None = None
    l2_write_bandwidth: Bandwidth | None = None

    @classmethod
    def of(cls, accelerator: Accelerator) -> "Attributes":
        """Those of our hardware: bytes, a beat on the bus each way, all ports of L2."""
        beat = accelerator.beat_bytes
        bus = beat / accelerator.dram_beat_period_cycles
        return cls(
            dram_read_bandwidth=bus,
            dram_write_bandwidth=bus,
            l2_read_bandwidth=L2_READ_PORTS * beat,
            l2_write_bandwidth=L2_WRITE_PORTS * beat,
        )


def architecture(
    accelerator: Accelerator, attributes: Attributes, version: Version
) -> dict[str, Any]:
    """The file's content. The first axis lies along X, all others along Y."""
    build = _tree if version is Version.V03 else _nodes
    return {"architecture": {"version": version.number, **build(accelerator, attributes)}}


def pe_buffer_words(accelerator: Accelerator) -> int:
    """Elements that the memories of a PE hold together, both halves."""
    private = accelerator.weight_buffer_bytes + accelerator.input_buffer_bytes
    return private + accelerator.accumulator_words


def pe_name(accelerator: Accelerator) -> str:
    """All PEs, as v0.3 counts them."""
    return f"{PE}[0..{accelerator.num_pes - 1}]"


def _tree(accelerator: Accelerator, attributes: Attributes) -> dict[str, Any]:
    names = ("block-size", "word-bits")
    mesh = {"meshX": accelerator.axes[0].size}
    buffer = _pe_buffer(accelerator, attributes, names) | mesh
    inner = [
        {"name": PE_BUFFER, "class": "regfile", "attributes": buffer},
        {"name": MAC, "class": "intmac", "attributes": _mac(attributes) | mesh},
    ]
    l2 = _l2(accelerator, attributes, names)
    chip = {
        "name": CHIP,
        "attributes": {"technology": attributes.technology},
        "local": [{"name": GLOBAL_BUFFER, "class": "SRAM", "attributes": l2}],
        "subtree": [{"name": pe_name(accelerator), "local": inner}],
    }
    dram = _dram(accelerator, attributes, names)
    local = [{"name": DRAM, "class": "DRAM", "attributes": dram}]
    return {"subtree": [{"name": SYSTEM, "local": local, "subtree": [chip]}]}


def _nodes(accelerator: Accelerator, attributes: Attributes) -> dict[str, Any]:
    names = ("block_size", "datawidth")
    columns = accelerator.axes[0].size
    mesh = {"meshX": columns, "meshY": accelerator.num_pes // columns}
    dram = _dram(accelerator, attributes, names) | {"type": quoted(attributes.dram_type)}

    def component(name: str, kind: str, values: dict[str, Any]) -> dict[str, Any]:
        return tagged("!Component", {"name": name, "class": kind, "attributes": values})

    return {
        "nodes": [
            tagged("!Container", {"name": SYSTEM}),
            component(DRAM, "DRAM", dram),
            tagged(
                "!Container",
                {"name": CHIP, "attributes": {"technology": quoted(attributes.technology)}},
            ),
            component(GLOBAL_BUFFER, "SRAM", _l2(accelerator, attributes, names)),
            tagged("!Container", {"name": PE, "spatial": mesh}),
            component(PE_BUFFER, "regfile", _pe_buffer(accelerator, attributes, names)),
            component(MAC, "intmac", _mac(attributes)),
        ]
    }


Names = tuple[str, str]
"""How a version calls the elements of a row, and the bits of an element."""


def _row(elements: int, attributes: Attributes, names: Names) -> dict[str, Any]:
    """Width of a memory: so many elements are read or written together."""
    bits = attributes.word_bits
    return {"width": elements * bits, names[0]: elements, names[1]: bits}


def _dram(accelerator: Accelerator, attributes: Attributes, names: Names) -> dict[str, Any]:
    return {
        **_row(accelerator.beat_bytes, attributes, names),
        "type": attributes.dram_type,
        **_bandwidth(attributes.dram_read_bandwidth, attributes.dram_write_bandwidth),
    }


def _l2(accelerator: Accelerator, attributes: Attributes, names: Names) -> dict[str, Any]:
    return {
        "depth": accelerator.num_banks * accelerator.bank_words,
        **_row(accelerator.beat_bytes, attributes, names),
        **_bandwidth(attributes.l2_read_bandwidth, attributes.l2_write_bandwidth),
    }


def _pe_buffer(accelerator: Accelerator, attributes: Attributes, names: Names) -> dict[str, Any]:
    return {"depth": pe_buffer_words(accelerator), **_row(1, attributes, names)}


def _mac(attributes: Attributes) -> dict[str, Any]:
    return {"datawidth": attributes.word_bits}


def _bandwidth(read: float | None, write: float | None) -> dict[str, Any]:
    named = {"read_bandwidth": read, "write_bandwidth": write}
    return {
        name: int(value) if value == int(value) else value
        for name, value in named.items()
        if value is not None
    }
