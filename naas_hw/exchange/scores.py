"""Our figures of layers beside those of another model."""

from dataclasses import dataclass

from naas_hw.exchange.formats import Format
from naas_hw.exchange.peer_figures import PeerFigures


@dataclass(frozen=True, kw_only=True)
class LayerScore:
    """Our figures of a layer beside those of another model.

    Parameters
    ----------
    ours : by our model; its products are those of the layer.
    theirs : None where it gave none.
    reason : why it gave none; None if it did.
    told_macs : products of what it was told: more than the layer's if its problem was enlarged.
    num_pes : PEs of the array.
    """

    name: str
    ours: PeerFigures
    theirs: PeerFigures | None
    reason: str | None
    told_macs: int
    num_pes: int

    @property
    def ok(self) -> bool:
        """Whether it gave figures, and counted the products that it was told."""
        return self.theirs is not None and self.theirs.macs == self.told_macs

    def utilization(self, figures: PeerFigures) -> float:
        """Products by those that all PEs could have done in these cycles."""
        return figures.macs / max(1, figures.cycles * self.num_pes)


@dataclass(frozen=True, kw_only=True)
class ScoreReport:
    """Layers in order of execution, as a model sees them."""

    peer: Format
    layers: tuple[LayerScore, ...]

    @property
    def ok(self) -> bool:
        """Whether all layers have figures, of the products that were told."""
        return all(layer.ok for layer in self.layers)
