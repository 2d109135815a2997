"""The table of docs/proofs.md: what is proven, for which instances, how far, and the mutants."""

from collections.abc import Sequence

from prover import Proof

HEADER = """\
| proof | property | instances and depth | refuted with |
|---|---|---|---|"""


def table(proofs: Sequence[Proof]) -> str:
    """The lines of the table in Markdown; instances with one property and its faults share a line.

    Parameters
    ----------
    proofs : in the order of the table.
    """
    families: dict[tuple[str, tuple[str, ...]], list[Proof]] = {}
    for proof in proofs:
        mutants = tuple(mutant.name for mutant in proof.mutants)
        families.setdefault((proof.says, mutants), []).append(proof)
    return "\n".join((HEADER, *map(_line, families.values())))


def _line(proofs: Sequence[Proof]) -> str:
    first = proofs[0]
    columns = (
        first.name if len(proofs) == 1 else first.name.partition(",")[0],
        first.says.removesuffix("."),
        "; ".join(f"{proof.sizes} ({_depth(proof)})" for proof in proofs),
        "; ".join(mutant.name for mutant in first.mutants),
    )
    return f"| {' | '.join(columns)} |"


def _depth(proof: Proof) -> str:
    return f"k = {proof.depth}" if proof.by_induction else f"{proof.depth} cycles"
