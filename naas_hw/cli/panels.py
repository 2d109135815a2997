"""The groups in which a command's help shows its options; each holds ten options at most."""

from typing import Final

MAIN: Final = "Main options"
EFFORT: Final = "Search effort"
METHOD: Final = "Search method"
NETWORK: Final = "Network and energy"
HARDWARE: Final = "Simulated hardware"
PLACEMENT: Final = "Place and route"
TIMELOOP: Final = "Timeloop"
LITEX: Final = "LiteX"
PORTS: Final = "Names of the top module"
SECTIONS: Final = "Options of single sections"
FPGA: Final = "Options of the section fpga"
RUN: Final = "How it runs"
OUTPUT: Final = "Output and help"
"""The last one, which also holds `--help`."""
DEPRECATED: Final = "Deprecated: use `naas cosearch`"
