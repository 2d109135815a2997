"""What `make formal` runs: each proof, and each of its mutants; the last line counts them.

python tests/formal     as many at a time as there are cores
"""

import os
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "mutants")]

from proofs import PROOFS  # noqa: E402
from prover import Outcome, Proof, verify  # noqa: E402

BY_NAME = {proof.name: proof for proof in PROOFS}


def run(job: tuple[str, int]) -> tuple[str, int, Outcome, float]:
    """A proof by its name, with the mutant of a number; with 0 without one."""
    warnings.simplefilter("ignore")
    name, number = job
    proof = BY_NAME[name]
    mutant = proof.mutants[number - 1] if number else None
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = verify(proof, Path(folder), mutant)
    return name, number, outcome, time.monotonic() - begin


def depth_text(proof: Proof) -> str:
    """How far the proof goes."""
    return "every cycle, by induction" if proof.by_induction else f"{proof.depth} cycles"


def main() -> int:
    """Run all of them; the exit status."""
    jobs = [(proof.name, i) for proof in PROOFS for i in range(len(proof.mutants) + 1)]
    wrong = 0
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name, number, outcome, seconds in pool.map(run, jobs):
            proof = BY_NAME[name]
            wanted = Outcome.FAILS if number else Outcome.HOLDS
            wrong += outcome is not wanted
            if not number:
                print(f"{name}: {outcome.value} ({depth_text(proof)}; {seconds:.1f} s)", flush=True)
                print(f"    {proof.says}", flush=True)
            elif outcome is not wanted:
                print(f"    mutant {number} {outcome.value}: {proof.mutants[number - 1]}")
    inductive = sum(proof.by_induction for proof in PROOFS)
    num_mutants = len(jobs) - len(PROOFS)
    print(
        f"{'FAIL' if wrong else 'PASS'}: {len(PROOFS)} proofs, {inductive} of them by induction, "
        f"and {num_mutants} mutants; {wrong} ended otherwise than they must"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
