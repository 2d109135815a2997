"""What stands around an accelerator on an FPGA that has fewer pins than it has ports."""

from typing import Final

from naas_hw.core.templates import render_template
from naas_hw.emit.module_ports import Port

HARNESS: Final = "naas_harness"
CORE: Final = "core"
"""Name of the instance of the accelerator, in this wrapper and in that of a board."""
CLOCK: Final = "aclk"
RESET: Final = "aresetn"


def render_harness(ports: tuple[Port, ...], *, core: str) -> str:
    """Verilog of module `naas_harness` around `core`, which is an instance named `core`."""
    inputs = [p for p in ports if p.is_input and p.name not in (CLOCK, RESET)]
    outputs = [p for p in ports if not p.is_input]
    connections = _slices(inputs, "inputs") | _slices(outputs, "from_core")
    return render(
        "harness.v.j2",
        name=HARNESS,
        core=core,
        clock=CLOCK,
        reset=RESET,
        num_inputs=sum(p.width for p in inputs),
        num_outputs=sum(p.width for p in outputs),
        ports=[
            {"name": p.name, "wires": connections[p.name]} for p in ports if p.name in connections
        ],
    )


def _slices(ports: list[Port], register: str) -> dict[str, str]:
    """Which bits of a register each port is connected to."""
    slices, first = {}, 0
    for port in ports:
        slices[port.name] = f"{register}[{first + port.width - 1}:{first}]"
        first += port.width
    return slices


def render(template: str, /, **values: object) -> str:
    """Render a template of FPGA builds; a missing value is an error."""
    return render_template("fpga", template, **values)
