"""Designs that the FPGA model is fitted to and tested with: drawn as a search draws them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget, largest_on
from naas_hw.arch.devices import DevicePart
from naas_hw.cost.fpga.model import block_memories
from naas_hw.cost.fpga.multipliers import num_multipliers
from naas_hw.cost.fpga.records import Role
from naas_hw.search.accelerator.encoding import AcceleratorEncoding
from naas_hw.workload.layer import Dim
from naas_hw.workload.option import Option

BEATS: Final = (4, 4, 8, 4, 4, 4, 4, 4)
"""Bytes of a beat of one design after the other: 4 in most, as a board with an SDRAM has. Place and
route of a design with wider beats takes much longer, or does not end."""

DIMS: Final[tuple[tuple[Dim, ...] | None, ...]] = (
    *(("C", "K"), None, ("K", "P"), None, ("C", "K", "P"), None, ("P", "Q"), None),
    *(("C", "P"), None, ("K", "Q"), None, ("K", "R"), None),
)
"""Parallel dims of one design after the other: those that searches end with, or any."""

OPTION_PROBABILITY: Final = 0.4
MOST_BYTES: Final = (16 * 1024, 320 * 1024)
"""Between which the memory of a design is drawn, evenly in its logarithm."""

SCALE_DEPTHS: Final = (128, 256, 512)
BANKS: Final = (6, 8)
MAX_TRIES: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How large designs are drawn.

    Parameters
    ----------
    strata : least and most PEs of one design after the other.
    most : resource -> how much a design takes at most, besides what a search for a board may take.
    """

    strata: tuple[tuple[int, int], ...]
    most: dict[str, int]


ROUTED_SIZES: Final = Sizes(
    strata=((4, 16), (17, 32), (4, 16), (33, 64), (4, 16), (17, 32), (4, 16), (33, 64)),
    most={"dsp": 78, "block_ram": 84},
)
"""Half of them are small, and all are smaller than what a search for a board finds, so that 60 of
them are placed and routed in hours."""

LARGE_SIZES: Final = Sizes(strata=((65, 96), (97, 152)), most={})
"""As large as a search for a board finds them; synthesis alone takes minutes."""

SIZES: Final = {
    Role.FIT: ROUTED_SIZES,
    Role.HELD_OUT: ROUTED_SIZES,
    Role.LARGE: LARGE_SIZES,
}

NUM_LARGE: Final = 6
"""Designs of `Role.LARGE` that are built unless another number is wanted."""


@dataclass(frozen=True, kw_only=True)
class DrawnDesign:
    """A design to be built.

    Parameters
    ----------
    name : of the design.
    role : what it is for.
    accelerator : what is built.
    """

    name: str
    role: Role
    accelerator: Accelerator


def draw_designs(num: int, role: Role, *, seed: int, part: DevicePart) -> list[DrawnDesign]:
    """Designs of the `SIZES` of a role, whose multipliers and block memories a part has.

    Each depends on seed, role and its own number alone, so that more designs have the same first
    ones. Nothing that is fitted has a part in it.

    Parameters
    ----------
    num : how many.
    role : those of another role are different designs.
    seed : random seed.
    part : the FPGA.
    """
    return [_draw(number, role, seed, part) for number in range(num)]


def _draw(number: int, role: Role, seed: int, part: DevicePart) -> DrawnDesign:
    rng = np.random.default_rng([seed, list(Role).index(role), number])
    name = f"{role}-{number:02d}"
    sizes = SIZES[role]
    least, most = sizes.strata[number % len(sizes.strata)]
    for _ in range(MAX_TRIES):
        accelerator = _random_accelerator(name, number, most, rng)
        if accelerator.num_pes >= least and _has_room(accelerator, part, sizes):
            return DrawnDesign(name=name, role=role, accelerator=accelerator)
    raise AssertionError(f"{MAX_TRIES} designs in a row did not fit {part.device.name}")


def _random_accelerator(
    name: str, number: int, max_pes: int, rng: np.random.Generator
) -> Accelerator:
    low, high = np.log(MOST_BYTES)
    budget = Budget(
        max_pes=max_pes,
        on_chip_bytes=int(np.exp(rng.uniform(low, high))) // 16 * 16,
        beat_bytes=BEATS[number % len(BEATS)],
        num_banks=int(rng.choice(BANKS)),
        scale_depth=int(rng.choice(SCALE_DEPTHS)),
    )
    options = frozenset(option for option in Option if rng.random() < OPTION_PROBABILITY)
    encoding = AcceleratorEncoding(
        budget=budget, options=options, fixed_dims=DIMS[number % len(DIMS)]
    )
    while True:
        accelerator = encoding.decode(rng.random(encoding.num_genes), name=name)
        if not budget.violations(accelerator):
            return accelerator


def _has_room(accelerator: Accelerator, part: DevicePart, sizes: Sizes) -> bool:
    """Whether it is small enough, as far as nothing fitted says so."""
    board = largest_on(part)
    needs = {"dsp": num_multipliers(accelerator), "block_ram": block_memories(accelerator)}
    return all(
        need <= min(sizes.most.get(name, need), getattr(board, name))
        for name, need in needs.items()
    )
