# amaranth: UnusedElaboratable=no
"""Variants of a component are named by what they are, not by who uses them."""

from collections.abc import Hashable
from typing import Any

import pytest
from amaranth.hdl import Module, signed

from naas_hw.emit.variants import variant_names
from naas_hw.rtl.primitives.shared import SharedComponent


class Stepper(SharedComponent):
    """A component with parameters of all kinds."""

    def __init__(
        self, *, depth: int = 1, shape: Any = 8, levels: Hashable = (), mode: Hashable = None
    ) -> None:
        self.depth, self.shape, self.levels, self.mode = depth, shape, levels, mode
        super().__init__({})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.depth, self.shape, self.levels, self.mode)

    def build(self, platform: Any) -> Module:
        return Module()


A_TO_E = tuple((letter, 3) for letter in "abcde")


@pytest.mark.parametrize(
    ("variants", "endings"),
    [
        ([{}], [""]),
        ([{"depth": 2}, {"depth": 4}], ["_d2", "_d4"]),
        ([{"depth": 2}, {"shape": signed(4)}], ["_d2_w8", "_d1_w4"]),
        (
            [{"levels": (("row", 4), ("word", 8))}, {"levels": (("word", 4),)}],
            ["_row_word", "_word"],
        ),
        ([{"levels": A_TO_E}, {"levels": A_TO_E[1:]}], ["_a_to_e", "_b_c_d_e"]),
        ([{"mode": "fast"}, {"mode": "small", "depth": 2}], ["_fast", "_small"]),
        (
            [{"mode": "fast"}, {"mode": "fast", "depth": 2}, {"mode": "small"}],
            ["_d1_fast", "_d2_fast", "_d1_small"],
        ),
        ([{"levels": (("a", 4),)}, {"levels": (("a", 5),)}], ["_la_4", "_la_5"]),
        ([{"mode": 1.5}, {"mode": 2.5}], ["_1", "_2"]),
    ],
    ids=[
        "only one",
        "a number",
        "numbers",
        "names",
        "many names",
        "a name of two parameters that differ",
        "names and numbers",
        "numbers beside names",
        "neither",
    ],
)
def test_names(variants: list[dict[str, Any]], endings: list[str]) -> None:
    components = {f"old_{i}": Stepper(**variant) for i, variant in enumerate(variants)}
    names = variant_names(components)
    assert [names[old] for old in components] == [f"naas_stepper{ending}" for ending in endings]
