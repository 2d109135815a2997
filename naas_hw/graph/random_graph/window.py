"""How a kernel moves over an image, and how often it fits."""

from dataclasses import dataclass

import numpy as np

from naas_hw.graph.float_kernels.windows import output_size
from naas_hw.graph.quantised import Pair, Sides
from naas_hw.graph.random_graph.draws import draw_integer


@dataclass(frozen=True, kw_only=True)
class KernelWindow:
    """Rows and columns of a kernel, and its steps over an image.

    Parameters
    ----------
    padding : sides; negative ones crop.
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)

    def output_size(self, size: Pair) -> Pair | None:
        """Rows and columns of the output for an image of `size`; None where there are none."""
        rows, columns = (
            output_size(
                size[i],
                self.kernel[i],
                self.stride[i],
                self.padding[i] + self.padding[2 + i],
                self.dilation[i],
            )
            for i in (0, 1)
        )
        if min(rows, columns) < 1 or any(size[i] + min(self.padding[i], 0) < 1 for i in (0, 1)):
            return None
        return rows, columns


def draw_padding(rng: np.random.Generator, kernel: Pair, dilation: Pair = (1, 1)) -> Sides:
    """Padding of no more than the kernel reaches; sometimes a side is cropped."""
    reach = [(kernel[i] - 1) * dilation[i] for i in (0, 1)]
    low = -1 if rng.random() < 0.2 else 0
    top, left, bottom, right = (draw_integer(rng, low, reach[i % 2]) for i in range(4))
    return top, left, bottom, right
