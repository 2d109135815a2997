"""The int8 tensors of one layer, and how its sums become bytes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from naas_hw.workload.arithmetic.epilogue import Residual, Table
from naas_hw.workload.layer import Layer


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedLayer:
    """A layer's tensors; frozen, arrays read-only, checked at construction.

    K and the input's channels count all groups; C is that of one (1 in a depthwise layer).

    Parameters
    ----------
    weights : int8 [K, C, R, S].
    inputs : int8 [channels, H, W].
    bias : int32 [K]; folded: minus the input zero point times the sum of the weights is in it.
    multiplier : int32 [K], Q31, 2^30 to 2^31 - 1.
    shift : int32 [K], 0 to 31, to the right.
    input_zero_point, output_zero_point, clamp_min, clamp_max : -128 to 127.
    residual, table : what happens to the bytes then; None where nothing does.
    rounds_once : sums become bytes with one rounding, not two.

    Raises
    ------
    ValueError : a wrong type, shape or range.
    """

    weights: NDArray[np.int8]
    inputs: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    input_zero_point: int
    output_zero_point: int
    clamp_min: int
    clamp_max: int
    residual: Residual | None = None
    table: Table | None = None
    rounds_once: bool = False

    def __post_init__(self) -> None:
        num_outputs = len(self.weights)
        for name, dtype, num_axes in (("weights", np.int8, 4), ("inputs", np.int8, 3)):
            self._own(name, dtype)
            if getattr(self, name).ndim != num_axes:
                raise ValueError(f"{name} must have {num_axes} axes")
        for name in ("bias", "multiplier", "shift"):
            self._own(name, np.int32)
            shape = getattr(self, name).shape
            if shape != (num_outputs,):
                raise ValueError(f"{name} must have shape ({num_outputs},), not {shape}")
        self._check_ranges()

    def _own(self, name: str, dtype: type[np.int8] | type[np.int32]) -> None:
        """Replace an array by a read-only view of it."""
        array = getattr(self, name)
        if array.dtype != dtype:
            raise ValueError(f"{name} must be {np.dtype(dtype)}, not {array.dtype}")
        view = array.view()
        view.flags.writeable = False
        object.__setattr__(self, name, view)

    def _check_ranges(self) -> None:
        if np.any(self.multiplier < 1 << 30):
            raise ValueError(f"multiplier must be at least 2^30, not {self.multiplier.min()}")
        if np.any((self.shift < 0) | (self.shift > 31)):
            raise ValueError("shift must be 0 to 31")
        for name in ("input_zero_point", "output_zero_point", "clamp_min", "clamp_max"):
            value = getattr(self, name)
            if not -128 <= value <= 127:
                raise ValueError(f"{name} must be -128 to 127, not {value}")
        if self.clamp_min > self.clamp_max:
            raise ValueError(
                f"clamp_min must be at most clamp_max, {self.clamp_max}, not {self.clamp_min}"
            )

    def check_fits(self, layer: Layer) -> None:
        """Raise a ValueError if these are not the tensors of `layer`."""
        weights, inputs = tensor_shapes(layer)
        if self.weights.shape != weights:
            raise ValueError(f"weights must have shape {weights}, not {self.weights.shape}")
        if self.inputs.shape != inputs:
            raise ValueError(f"inputs must have shape {inputs}, not {self.inputs.shape}")
        for name, wanted in (("residual", layer.residual), ("table", layer.table)):
            if (getattr(self, name) is not None) != wanted:
                there, asked = ("missing", "there") if wanted else ("there", "missing")
                raise ValueError(f"{name} must be {asked}, not {there}")
        if self.rounds_once != layer.rounds_once:
            raise ValueError(f"rounds_once must be {layer.rounds_once}, not {self.rounds_once}")
        outputs = (layer.groups * layer.K, layer.P, layer.Q)
        if self.residual is not None and self.residual.values.shape != outputs:
            raise ValueError(
                f"residual must have shape {outputs}, not {self.residual.values.shape}"
            )


def tensor_shapes(layer: Layer) -> tuple[tuple[int, int, int, int], tuple[int, int, int]]:
    """Shapes of the weights [K, C, R, S] and of the inputs [channels, H, W], all groups."""
    weights = (layer.groups * layer.K, layer.C, layer.R, layer.S)
    return weights, (layer.groups * layer.input_channels, layer.height, layer.width)
