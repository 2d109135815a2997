"""What `make formal` runs: each proof, and each of its mutants; the last line counts them.

python tests/formal             as many at a time as there are cores
python tests/formal --table     the table of docs/proofs.md
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
from prover import Outcome, verify  # noqa: E402
from table import table  # noqa: E402

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


def main() -> int:
    """Run all of them; the exit status."""
    if sys.argv[1:] == ["--table"]:
        print(table(PROOFS))
        return 0
    jobs = [(proof.name, i) for proof in PROOFS for i in range(len(proof.mutants) + 1)]
    wrong = 0
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name, number, outcome, seconds in pool.map(run, jobs):
            proof = BY_NAME[name]
            wanted = Outcome.FAILS if number else Outcome.HOLDS
            wrong += outcome is not wanted
            if not number:
                print(f"{name}: {outcome.value} ({proof.reach}; {seconds:.1f} s)", flush=True)
                print(f"    {proof.says} For: {proof.sizes}.", flush=True)
            elif outcome is not wanted:
                print(f"    {name}, mutant {proof.mutants[number - 1].name!r}: {outcome.value}")
    inductive = sum(proof.by_induction for proof in PROOFS)
    num_mutants = len(jobs) - len(PROOFS)
    print(
        f"{'FAIL' if wrong else 'PASS'}: {len(PROOFS)} proofs, {inductive} of them by induction, "
        f"and {num_mutants} mutants; {wrong} ended otherwise than they must"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
