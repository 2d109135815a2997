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

STRATA: Final = ((4, 16), (17, 32), (4, 16), (33, 64), (4, 16), (17, 32), (4, 16), (33, 64))
"""Least and most PEs of one design after the other: half of them are small, since place and route
of a small design takes minutes."""

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

MOST_RESOURCES: Final = {"dsp": 78, "block_ram": 84}
"""Resource -> how much a design takes at most, so that 60 of them are routed in hours: less than a
search for a board takes."""

SCALE_DEPTHS: Final = (128, 256, 512)
BANKS: Final = (6, 8)
MAX_TRIES: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class DrawnDesign:
    """A design to be built.

    Parameters
    ----------
    name : of the design.
    role : whether the model is fitted to it.
    accelerator : what is built.
    """

    name: str
    role: Role
    accelerator: Accelerator


def draw_designs(num: int, role: Role, *, seed: int, part: DevicePart) -> list[DrawnDesign]:
    """Designs within `MOST_RESOURCES` whose multipliers and block memories a part has.

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
    least, most = STRATA[number % len(STRATA)]
    for _ in range(MAX_TRIES):
        accelerator = _random_accelerator(name, number, most, rng)
        if accelerator.num_pes >= least and _has_room(accelerator, part):
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


def _has_room(accelerator: Accelerator, part: DevicePart) -> bool:
    """Whether it is small enough, as far as nothing fitted says so."""
    most = largest_on(part)
    needs = {"dsp": num_multipliers(accelerator), "block_ram": block_memories(accelerator)}
    return all(
        need <= min(MOST_RESOURCES[name], getattr(most, name)) for name, need in needs.items()
    )
