"""All proofs."""

from typing import Final

import axi
import bursts
import flow_control
import lite_ports
import loops
import register_file
import shared_port
from prover import Proof

PROOFS: Final[tuple[Proof, ...]] = (
    *flow_control.PROOFS,
    *bursts.PROOFS,
    *loops.PROOFS,
    *lite_ports.PROOFS,
    *register_file.PROOFS,
    *axi.PROOFS,
    *shared_port.PROOFS,
)
