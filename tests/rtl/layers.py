"""Layers for tests of engines: listed triples, their descriptors, and who drives them."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from epilogues import NO_ADDITION
from stored_cases import read_case_list

from naas_hw.compiler.descriptor import TensorAddresses, Values, ZeroPoints, descriptor_values
from naas_hw.compiler.fields import LAYOUT, NEST, OUTER, FieldSpec
from naas_hw.mapping.geometry import Geometry
from naas_hw.rtl.primitives.config import RECORD_STROBES
from naas_hw.verify.random_accelerator import with_drain
from naas_hw.workload.arithmetic.epilogue import TablePlace
from naas_hw.workload.option import Option

FOLDER: Final = Path(__file__).parents[1] / "cases"
ADDRESSES: Final = TensorAddresses(
    weights=10_000,
    scales=20_000,
    inputs=30_000,
    outputs=40_000,
    sums=50_000,
    table=60_000,
    residual=70_000,
)
NAMES: Final = {
    "convolution": ("c8_k8", 0),
    "partial sums in L2": ("c8_k8", 1),
    "depthwise": ("c8_k8", 2),
    "partial sums to DRAM and back, twice": ("c8_k8", 7),
    "steps of one cycle": ("c8_k8", 8),
    "kernel rows over tiles, with padding": ("c4_r3_s3", 2),
    "tiles that lie wholly in the padding": ("p4_q4_k4", 3),
    "strided pointwise with padding": ("p4_q4_k4", 5),
    "a prime in every dim": ("q7_s3_k5", 1),
    "one multiplication": ("c8_k8", 9),
}
"""Name -> list and number of a triple, for `pytest.mark.parametrize`."""

LOAD_OPTIONS: Final = (
    frozenset[Option](),
    frozenset({Option.TABLE}),
    frozenset({Option.RESIDUAL}),
    frozenset({Option.TABLE, Option.RESIDUAL}),
)
"""Optional hardware that load knows of."""


@cache
def geometry_of(
    name: str, options: frozenset[Option] = frozenset(), *, sum_words: int = 1
) -> Geometry:
    """Geometry of a listed triple, of which accelerator and layer have these options too.

    Parameters
    ----------
    sum_words : words of partial sums that the drain is wide.
    """
    file, number = NAMES[name]
    case = read_case_list(FOLDER / f"{file}.yaml").case(number)
    update = dict.fromkeys((option.value for option in options), True)
    return Geometry(
        accelerator=with_drain(case.accelerator, sum_words).model_copy(update=update),
        layer=case.layer.model_copy(update=update),
        mapping=case.mapping,
    )


def values_of(geometry: Geometry) -> Values:
    """All fields of its descriptor, with tensors at `ADDRESSES`."""
    zero_points = ZeroPoints(inputs=0, outputs=0, clamp_min=-128, clamp_max=127)
    layer = geometry.layer
    return descriptor_values(
        geometry,
        ADDRESSES,
        zero_points,
        identity=0,
        addition=NO_ADDITION if layer.residual else None,
        table_place=TablePlace.AFTER_RESIDUAL if layer.table else None,
    )


async def start_layer(ctx: Any, dut: Any, values: Values) -> None:
    """Give an engine the fields that it has, record by record, and tell it to go if it listens."""
    fields = dut.fields
    names = set(fields.signature.members)
    for spec in LAYOUT:
        if spec.is_static and spec.name in names:
            ctx.set(getattr(fields, spec.name), _in_range(values[spec.name], spec))
    for count in (NEST, OUTER):
        specs = [spec for spec in LAYOUT if not spec.is_static and spec.count == count]
        if RECORD_STROBES[count] not in names:
            continue
        strobe = getattr(fields, RECORD_STROBES[count])
        ctx.set(strobe, 1)
        for position in range(count):
            ctx.set(fields.record_position, position)
            for spec in specs:
                if spec.name in names:
                    entries = values[spec.name]
                    assert isinstance(entries, tuple)
                    ctx.set(getattr(fields, spec.name), _in_range(entries[position], spec))
            await ctx.tick()
        ctx.set(strobe, 0)
    has_go = "go" in dut.signature.members
    if has_go:
        ctx.set(dut.go, 1)
    await ctx.tick()
    if has_go:
        ctx.set(dut.go, 0)


def _in_range(value: Any, spec: FieldSpec) -> Any:
    """The value, or all entries, modulo the width of an unsigned field."""
    if isinstance(value, tuple):
        return [_in_range(entry, spec) for entry in value]
    return value if spec.signed else value % (1 << spec.width)


def iterations(
    values: Values, bound: str, deltas: Mapping[str, str], origins: Mapping[str, int]
) -> Iterator[dict[str, int]]:
    """Values of a loop nest in each of its iterations, gain by gain.

    Parameters
    ----------
    values : of the descriptor.
    bound : field with the trips.
    deltas : value of the nest -> field with its gains.
    origins : value of the nest -> where it begins; default: zero.
    """
    bounds = values[bound]
    assert isinstance(bounds, tuple)
    counters = [0] * len(bounds)
    state = {name: origins.get(name, 0) for name in deltas}
    while True:
        yield dict(state)
        steps = [i for i, counter in enumerate(counters) if counter + 1 < bounds[i]]
        if not steps:
            return
        counters[steps[-1]] += 1
        counters[steps[-1] + 1 :] = [0] * (len(counters) - steps[-1] - 1)
        for name, field in deltas.items():
            gains = values[field]
            assert isinstance(gains, tuple)
            state[name] += gains[steps[-1]]


def entry(values: Values, field: str, number: int = 0) -> int:
    """A field of one entry, or one of its entries."""
    value = values[field]
    return value[number] if isinstance(value, tuple) else value
