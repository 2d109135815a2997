"""`quantized_decomposed.*`: the operators between the others in a graph that pt2e quantised."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.aten.call import FLOAT, Call, Translation, UnsupportedError


@dataclass(frozen=True, kw_only=True)
class _Parameters:
    """What a quantising operator says; `axis` is None where one scale holds for the tensor."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None
    dtype: np.dtype[Any]

    @property
    def attributes(self) -> dict[str, Attribute]:
        """Attributes of `quantize` and `dequantize`."""
        is_one = self.axis is None
        return {
            "scale": self.scale[0] if is_one else self.scale,
            "zero_point": self.zero_point[0] if is_one else self.zero_point,
            "axis": self.axis,
            "dtype": self.dtype.name,
        }


def quantise(call: Call) -> str:
    """`quantize_per_tensor` and `quantize_per_channel`."""
    parameters = _parameters(call)
    x = _clamped(call, call.tensor("input"), parameters)
    return _emit(call, "quantize", x, parameters, parameters.dtype)


def dequantise(call: Call) -> str:
    """`dequantize_per_tensor` and `dequantize_per_channel`."""
    return _emit(call, "dequantize", call.tensor("input"), _parameters(call), FLOAT)


def _emit(call: Call, kind: str, x: str, parameters: _Parameters, result: np.dtype[Any]) -> str:
    attributes = parameters.attributes
    return call.emit(kind, [x], call.builder.shape(x), dtype=result, also=attributes)


def _clamped(call: Call, x: str, parameters: _Parameters) -> str:
    """A range that is narrower than the number format, as a clamp before the rounding."""
    low, high = int(call.number("quant_min")), int(call.number("quant_max"))
    bounds = np.iinfo(parameters.dtype)
    if (low, high) == (bounds.min, bounds.max) or call.builder.is_constant(x):
        return x
    if parameters.axis is not None:
        raise UnsupportedError(f"range must be that of {parameters.dtype}, not {low} to {high}")
    scale, zero_point = parameters.scale[0], parameters.zero_point[0]
    return call.emit(
        "clamp",
        [x],
        dtype=FLOAT,
        minimum=(low - zero_point) * scale,
        maximum=(high - zero_point) * scale,
    )


def _parameters(call: Call) -> _Parameters:
    is_by_channel = "per_channel" in call.operator.kind
    scale = _numbers(call, "scales" if is_by_channel else "scale")
    zero_point = _numbers(call, "zero_points" if is_by_channel else "zero_point")
    name = str(call.argument("dtype")).removeprefix("torch.")
    if name not in ("int8", "uint8", "int16", "int32"):
        raise UnsupportedError(
            f"a quantised tensor must be int8, uint8, int16 or int32, not {name}"
        )
    return _Parameters(
        scale=tuple(float(value) for value in scale),
        zero_point=tuple(int(value) for value in zero_point) or (0,) * len(scale),
        axis=int(call.number("axis")) if is_by_channel else None,
        dtype=np.dtype(name),
    )


def _numbers(call: Call, name: str) -> list[float]:
    """A number, or the values of a constant tensor."""
    if not call.has(name):
        return []
    if not call.is_tensor(name):
        return [call.number(name)]
    values: list[float] = call.values(name).ravel().tolist()
    return values


TRANSLATIONS: Final[dict[str, Translation]] = {
    f"quantized_decomposed.{kind}_per_{extent}": translation
    for kind, translation in (("quantize", quantise), ("dequantize", dequantise))
    for extent in ("tensor", "channel")
}
