"""A network on its accelerator as files for a LiteX SoC.

naas_litex.py            the accelerator as a module of LiteX
soc_sim.py, soc_ulx3s.py a SoC around it: in simulation, and on a board
firmware/                the network, an input, the driver, and the program that runs them
rtl/                     the accelerator
expected.json            what the firmware has to print
README.md                the commands
"""

import json
from dataclasses import asdict, dataclass
from typing import Final

from naas_hw.core.resources import template_folder
from naas_hw.core.templates import render_template
from naas_hw.core.version import __version__
from naas_hw.emit.network_package import NETWORK_FILE
from naas_hw.emit.plan import FilePlan

FOLDER: Final = "litex"
COPIED: Final = (
    "naas_litex.py",
    "soc_sim.py",
    "soc_ulx3s.py",
    "firmware/Makefile",
    "firmware/data.S",
    "firmware/linker.ld",
    "firmware/main.c",
)
"""Files that are the same for every network and accelerator."""

INPUTS_FILE: Final = "inputs.bin"
EXPECTED_FILE: Final = "expected.json"
INPUT_STEP: Final = 8
"""Each input begins at a multiple of so many bytes."""


@dataclass(frozen=True, kw_only=True)
class ExpectedRun:
    """What the firmware has to print.

    Parameters
    ----------
    network : its name.
    digest : of the accelerator, 16 hexadecimal digits.
    outputs : bytes of each output in hexadecimal digits, in the type of the model's user.
    starts : of the accelerator.
    cycles : that the model predicts with the memory of the search, in all starts.
    dram_latency_cycles, dram_beat_period_cycles : of that memory.
    dram_reads, dram_writes : beats, which do not depend on the memory.
    """

    network: str
    digest: str
    outputs: tuple[str, ...]
    starts: int
    cycles: int
    dram_latency_cycles: int
    dram_beat_period_cycles: int
    dram_reads: int
    dram_writes: int


def plan_litex(
    rtl: FilePlan, software: FilePlan, inputs: list[bytes], expected: ExpectedRun
) -> FilePlan:
    """All files for LiteX.

    Parameters
    ----------
    rtl : of the accelerator, in `rtl/`.
    software : program file and driver, as `plan_network` makes them.
    inputs : bytes of each input.
    """
    folder = template_folder() / FOLDER
    files: dict[str, str | bytes] = {
        name: (folder / name).read_text(encoding="utf-8") for name in COPIED
    }
    for path in software:
        name = path.rpartition("/")[2]
        if name == NETWORK_FILE or path.startswith("driver/naas"):
            files[f"firmware/{name}"] = software[path]
    files[f"firmware/{INPUTS_FILE}"] = b"".join(_padded(data) for data in inputs)
    files[EXPECTED_FILE] = json.dumps({"version": 1, **asdict(expected)}, indent=1) + "\n"
    files["README.md"] = render_template(
        FOLDER, "README.md.j2", version=__version__, expected=expected
    )
    return FilePlan.of(files) | rtl


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % INPUT_STEP)
