"""What all three tools compute."""

from dataclasses import dataclass
from typing import Any, Final

LATENCIES: Final = (1, 10, 50)
"""Cycles that the memory takes to answer."""

SEED: Final = 1


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A convolution, or a matrix product as the 1x1 convolution that it is.

    Parameters
    ----------
    name : of files and results.
    title : in tables.
    K, C, P, Q, R : output channels, input channels, rows and columns of the output, rows and
        columns of the kernel. The image is padded so that it stays of one size.
    """

    name: str
    title: str
    K: int
    C: int
    P: int
    Q: int
    R: int = 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.K * self.C * self.P * self.Q * self.R**2

    @property
    def is_product(self) -> bool:
        """Whether it is a matrix product."""
        return self.R == 1

    @property
    def product(self) -> dict[str, int]:
        """Sizes M x K times K x N; those of a convolution after im2col."""
        return {"M": self.P * self.Q, "K": self.C * self.R**2, "N": self.K}

    @property
    def layer(self) -> dict[str, Any]:
        """The layer, as a file of a network of naas has it."""
        sizes = {"K": self.K, "C": self.C, "P": self.P, "Q": self.Q, "R": self.R, "S": self.R}
        image = {"height": self.P, "width": self.Q, "padding": [self.R // 2] * 2}
        return {"name": self.name, "kind": "conv", **sizes, **image}


LAYERS: Final = (
    Workload(name="gemm64", title="matrix product 64 x 64 x 64", K=64, C=64, P=8, Q=8),
    Workload(name="gemm256", title="matrix product 256 x 256 x 256", K=256, C=256, P=16, Q=16),
    Workload(
        name="conv3x3", title="3x3 convolution 64 to 64, 14 x 14", K=64, C=64, P=14, Q=14, R=3
    ),
)

CNN: Final = "cnn"
MLP: Final = "mlp"
NETWORKS: Final = {CNN: "small CNN", MLP: "small MLP"}
"""Networks, with their titles in tables; `networks.py` has what is in them."""

TITLES: Final = {layer.name: layer.title for layer in LAYERS} | NETWORKS
MACS: Final = {layer.name: layer.macs for layer in LAYERS} | {
    CNN: 16 * 16 * 8 * 3 * 9 + 8 * 8 * 16 * 8 * 9 + 1024 * 10,
    MLP: 256 * 64 + 64 * 64 + 64 * 10,
}
