"""Concatenation by placement: parts are made where the whole wants them."""

from naas_hw.compiler.lowering.builder import Builder
from naas_hw.compiler.lowering.layouts import Layout, region_beats
from naas_hw.compiler.lowering.moves import copied_channels, emit_copy, part_of
from naas_hw.graph.quantised import Concatenation
from naas_hw.mapping.geometry import ceil_div


def lower_concatenation(builder: Builder, operator: Concatenation) -> None:
    """Give the parts a home in the region of the whole; copy those that have another home.

    A region that its parts cover completely moves with them, so a concatenation may grow part by
    part without a copy.
    """
    layouts = [builder.layouts[name] for name in operator.inputs]
    runs = _runs(builder, layouts)
    maps = [
        layout.channels if run is not None else copied_channels(layout, builder.beat_bytes)
        for layout, run in zip(layouts, runs, strict=True)
    ]
    beat = builder.beat_bytes
    _, rows, columns = layouts[0].shape
    joined: list[int] = []
    starts: list[int] = []
    block = 0
    for channels in maps:
        starts.append(block)
        joined += [block * beat + channel for channel in channels]
        block += ceil_div(max(channels) + 1, beat)
    output = builder.new_region(operator.output, tuple(joined), rows, columns)
    logical = 0
    for index, (layout, run) in enumerate(zip(layouts, runs, strict=True)):
        channels = tuple(range(logical, logical + len(layout.channels)))
        logical += len(channels)
        if run is None:
            emit_copy(
                builder,
                f"{operator.name}.copy",
                layout,
                part_of(output, channels, beat),
                makes=operator.output,
                sources=operator.sources or (operator.name,),
            )
        elif run not in builder.homes:
            builder.homes[run] = (operator.output, starts[index] * rows * columns)


def _runs(builder: Builder, layouts: list[Layout]) -> list[str | None]:
    """For each part the region that moves into the whole with it; None of one that is copied."""
    found: list[str | None] = [None] * len(layouts)
    taken: set[str] = set()
    index = 0
    while index < len(layouts):
        root, number = _covered(builder, layouts[index:])
        if number and root not in taken:
            taken.add(root)
            found[index : index + number] = [root] * number
        index += number or 1
    return found


def _covered(builder: Builder, layouts: list[Layout]) -> tuple[str, int]:
    """The buffer of the first part, and how many parts fill it exactly; 0 if they do not."""
    root, _ = builder.place_of(layouts[0].root)
    size, beat = 0, builder.beat_bytes
    for number, layout in enumerate(layouts, 1):
        buffer, start = builder.place_of(layout.root)
        if buffer != root or start + layout.offset != size or not _is_dense(layout):
            return root, 0
        size += region_beats(layout, beat)
        if size == builder.regions[root]:
            return root, number
    return root, 0


def _is_dense(layout: Layout) -> bool:
    """Whether rows and blocks follow one another."""
    _, rows, columns = layout.shape
    pitches = layout.pitches
    return (pitches.block, pitches.row, pitches.pixel) == (rows * columns, columns, 1)
