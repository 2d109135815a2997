"""Every rule of legality: a mapping at its limit is legal, one beyond is refused in words."""

from typing import Any

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.mapping.legality import Rule, model_violations, violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import Kind, Layer

ACCELERATOR = Accelerator(
    axes=(Axis(dim="K", size=4), Axis(dim="P", size=2)),
    weight_buffer_bytes=32,
    input_buffer_bytes=64,
    accumulator_words=32,
    num_banks=6,
    bank_bytes=64,
    scale_depth=16,
    beat_bytes=8,
)
LAYER = Layer(name="l", K=16, C=8, P=4, Q=4, R=3, S=3, height=4, width=4, padding=(1, 1))
LEGAL = Mapping(
    l2=Bounds(P=2),
    pe=Bounds(C=1, R=3, S=3),
    spatial=Bounds(K=4, P=2),
)


def found(layer: Layer = LAYER, accelerator: Accelerator = ACCELERATOR, **changes: Bounds) -> str:
    mapping = LEGAL.model_copy(update=changes)
    return "; ".join(map(str, violations(accelerator, layer, mapping)))


def small(**changes: int) -> Layer:
    return LAYER.model_copy(update=changes)


@pytest.mark.parametrize(("num_banks", "legal"), [(7, True), (6, False)])
def test_a_mapping_at_its_limits_is_legal(num_banks: int, legal: bool) -> None:
    """Weights 40 words in 3 banks of 16, once; inputs and outputs one bank each, twice: 7."""
    accelerator = ACCELERATOR.model_copy(update={"bank_bytes": 128, "num_banks": num_banks})
    text = found(small(K=4), accelerator, l2=Bounds(C=8, P=1))
    due = f"capacity: banks of the global buffer must be at most {num_banks}, not 7"
    assert text == ("" if legal else due)


@pytest.mark.parametrize(
    ("layer", "changes", "message"),
    [
        (LAYER, {"spatial": Bounds(K=3)}, "spatial: K must use 4 positions, not 3"),
        (small(K=2), {}, "spatial: K must use 2 positions, not 4"),
        (LAYER, {"spatial": Bounds(K=4, C=2)}, "spatial: C must use 1 positions, not 2"),
        (LAYER, {"spatial": Bounds(K=4, P=3)}, "spatial: P must use at most 2 positions, not 3"),
        (LAYER, {"spatial": Bounds(K=4, R=2)}, "spatial: R must use at most 1 positions, not 2"),
        (
            LAYER,
            {"pe": Bounds(K=2, R=3, S=3)},
            "capacity: bytes of weights in a PE must be at most 16, not 18",
        ),
        (
            LAYER,
            {"pe": Bounds(C=4, R=3, S=3)},
            "capacity: bytes of inputs in a PE must be at most 32, not 36",
        ),
        (
            LAYER,
            {"pe": Bounds(P=3, Q=6)},
            "capacity: words in an accumulator bank must be at most 16, not 18",
        ),
        (
            LAYER,
            {"l2": Bounds(P=2, Q=4, C=8, R=1, K=1)},
            "capacity: banks of the global buffer must be at most 6, not",
        ),
        (
            small(K=32),
            {"l2": Bounds(K=6), "pe": Bounds()},
            "capacity: channels of scales must be at most 16, not 24",
        ),
        (LAYER, {}, "block: an L2 tile must cover K or hold a multiple of 8, not 4"),
        (
            LAYER,
            {"l2": Bounds(C=4)},
            "block: an L2 tile must cover C or hold a multiple of 8, not 4",
        ),
    ],
)
def test_a_rule_that_is_broken_is_said(layer: Layer, changes: dict[str, Any], message: str) -> None:
    """The rule, "not", the value."""
    assert message in found(layer, **changes)


def test_a_tensor_that_never_changes_has_the_whole_buffer() -> None:
    """18 bytes of weights fit into 32 where one half, of 16, is too small for two runs."""
    layer = small(K=8, C=1, P=2)
    one_run = Bounds(K=2, R=3, S=3)
    assert "weights in a PE" not in found(layer, pe=one_run, l2=Bounds())
    layer = small(K=16, C=1, P=2)
    assert "weights in a PE" in found(layer, pe=one_run, l2=Bounds())


def test_all_violations_are_listed() -> None:
    """A user sees everything that is wrong at once, spatial rules before what follows from them."""
    text = found(pe=Bounds(K=20, P=3, Q=6, R=3, S=3))
    assert text.count("capacity:") >= 3
    text = found(spatial=Bounds(K=3, P=3))
    assert text.count("spatial:") == 2
    assert "capacity" not in text


def test_transposed_layers_exist_in_the_model_only() -> None:
    """The hardware does not interleave outputs."""
    layer = Layer(name="l", kind=Kind.TRANSPOSED, K=4, C=8, P=4, Q=4, height=4, width=4)
    assert found(layer, l2=Bounds(C=8)).startswith("kind: transposed layers")


def test_fields_have_a_width() -> None:
    """A tile of more rows than 16 bits can count is refused even where memory would hold it."""
    big = ACCELERATOR.model_copy(update={"bank_bytes": 4 * 1024 * 1024, "num_banks": 32})
    layer = Layer(name="l", K=4, C=8, P=4, Q=4, height=4, width=4)
    text = found(layer, big, l2=Bounds(C=8, P=40000))
    assert "field: a tile's rows must be at most 65535, not 80002" in text


def test_the_model_evaluates_layers_that_the_hardware_does_not_run() -> None:
    """A kind of layer without a program is a violation of the hardware's rules only."""
    layer = Layer(name="l", kind=Kind.TRANSPOSED, K=4, C=8, P=4, Q=4, height=4, width=4)
    mapping = LEGAL.model_copy(update={"l2": Bounds(C=8)})
    assert [v.rule for v in violations(ACCELERATOR, layer, mapping)] == [Rule.KIND]
    assert model_violations(ACCELERATOR, layer, mapping) == []
