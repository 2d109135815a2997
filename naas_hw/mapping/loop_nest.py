"""A mapping as the loop nest that it means, in text."""

from collections.abc import Iterator

from naas_hw.arch.accelerator import Accelerator
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import DIMS, Dim, Layer

_INDENT = "  "
_BODY = {
    False: "outputs[K][P][Q] += weights[K][C][R][S] * inputs[C][P+R][Q+S]",
    True: "outputs[K][P][Q] += weights[K][R][S] * inputs[K][P+R][Q+S]",
}


def loop_nest(accelerator: Accelerator, layer: Layer, mapping: Mapping) -> str:
    """The nest, outermost loop first, one loop a line; loops of bound 1 are left out.

    Spatial loops are `parallel-for`. Beside a loop stands how many indices of its dim one trip
    covers, so bound times that is what the loop covers; in the outermost loop of a dim that may be
    more than the layer has. A K or C axis is innermost in its index (channel = i size + position).

    Examples
    --------
    >>> from naas_hw.arch.accelerator import Axis
    >>> from naas_hw.mapping.mapping import Bounds
    >>> accelerator = Accelerator(
    ...     axes=(Axis(dim="K", size=4),), weight_buffer_bytes=16, input_buffer_bytes=16,
    ...     accumulator_words=16, bank_bytes=256)
    >>> layer = Layer(name="small", K=8, C=4, P=2, height=2, width=1)
    >>> mapping = Mapping(pe=Bounds(C=4), l2=Bounds(K=2), spatial=Bounds(K=4))
    >>> print(loop_nest(accelerator, layer, mapping))
    # small: conv K=8 C=4 P=2 Q=1 R=1 S=1
    # DRAM to global buffer
    for P in 0..2 step 1
      # global buffer to PEs
      for K in 0..2 step 4
        # array
        parallel-for K in 0..4 of 4 step 1
          # inside a PE
          for C in 0..4 step 1
            outputs[K][P][Q] += weights[K][C][R][S] * inputs[C][P+R][Q+S]
    """
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    lines = [_headline(layer)]
    depth = 0
    for title, loops in _levels(geometry):
        lines.append(_INDENT * depth + f"# {title}")
        for text in loops:
            lines.append(_INDENT * depth + text)
            depth += 1
    lines.append(_INDENT * depth + _BODY[geometry.is_depthwise])
    return "\n".join(lines)


def _headline(layer: Layer) -> str:
    bounds = " ".join(f"{dim}={bound}" for dim, bound in layer.bounds.items())
    extras = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
    shown = [
        f"{field}={getattr(layer, field)[0]}x{getattr(layer, field)[1]}"
        for field, usual in extras.items()
        if getattr(layer, field) != usual
    ]
    groups = [f"groups={layer.groups}"] if layer.groups > 1 else []
    return " ".join([f"# {layer.name}: {layer.kind.value} {bounds}", *shown, *groups])


def _levels(geometry: Geometry) -> Iterator[tuple[str, list[str]]]:
    """(title, loops) of each level, outermost first."""
    mapping = geometry.mapping
    yield (
        "DRAM to global buffer",
        _loops(mapping.dram_order, geometry.num_tiles, geometry.tile),
    )
    yield "global buffer to PEs", _loops(mapping.l2_order, _as_dict(mapping.l2), geometry.step)
    yield "array", _axes(geometry)
    covers: dict[Dim, int] = {
        dim: geometry.spatial_extent(dim) if dim in ("K", "C") else 1 for dim in DIMS
    }
    yield "inside a PE", _loops(mapping.pe_order, _as_dict(mapping.pe), covers)


def _as_dict(bounds: object) -> dict[Dim, int]:
    return {dim: getattr(bounds, dim) for dim in DIMS}


def _loops(order: tuple[Dim, ...], bounds: dict[Dim, int], covers: dict[Dim, int]) -> list[str]:
    return [f"for {dim} in 0..{bounds[dim]} step {covers[dim]}" for dim in order if bounds[dim] > 1]


def _axes(geometry: Geometry) -> list[str]:
    """Every axis, used or not: an axis is there even where one position works."""
    return [
        f"parallel-for {axis.dim} in 0..{geometry.mapping.spatial[axis.dim]} of {axis.size} "
        f"step {1 if axis.dim in ('K', 'C') else geometry.mapping.pe[axis.dim]}"
        for axis in geometry.accelerator.axes
    ]
