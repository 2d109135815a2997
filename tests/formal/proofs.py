"""All proofs."""

from typing import Final

import axi
import bursts
import flow_control
import loops
from prover import Proof

PROOFS: Final[tuple[Proof, ...]] = (
    *flow_control.PROOFS,
    *bursts.PROOFS,
    *loops.PROOFS,
    *axi.PROOFS,
)
