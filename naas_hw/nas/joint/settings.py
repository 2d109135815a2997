"""What, with space, oracle and budget, determines a joint search."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from naas_hw.arch.budget import Budget
from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.imagenet_estimate import ImageNetEstimate
from naas_hw.nas.accuracy.oracle import AccuracyOracle
from naas_hw.nas.joint.architecture_search import Aim, ArchitectureSettings
from naas_hw.nas.spaces.builtin import OFA_RESNET50
from naas_hw.nas.spaces.space import SlotSpace, Space
from naas_hw.search.accelerator.settings import SearchSettings, settings_digest
from naas_hw.workload.frontends.source import import_object

ESTIMATE: Final = "imagenet-estimate"


class Mode(StrEnum):
    """What is searched: all at once, or one of its rivals.

    - `joint`: networks, accelerators and mappings.
    - `network-only`: networks and mappings, on the preset whose budget it is.
    - `one-after-the-other`: that in the first half of the generations, then accelerators for the
      network that was found.
    """

    JOINT = "joint"
    NETWORK_ONLY = "network-only"
    ONE_AFTER_THE_OTHER = "one-after-the-other"


@dataclass(frozen=True, kw_only=True)
class JointSettings:
    """How much is searched on each level.

    Parameters
    ----------
    networks : of each accelerator for which any are bred: the floor, and how many.
    accelerators : and mappings of each layer that a judged network has. Its generations and
        population count accelerators.
    """

    networks: ArchitectureSettings
    accelerators: SearchSettings
    mode: Mode = Mode.JOINT

    def __post_init__(self) -> None:
        if self.accelerators.dataflow is not None or self.accelerators.screening != 1:
            raise InputError("a joint search must search mappings of all candidates in full")
        if self.mode is Mode.ONE_AFTER_THE_OTHER and self.networks.aim is Aim.FRONT:
            raise InputError(f"{self.mode} must aim at one network, not at a front")
        if self.mode is Mode.ONE_AFTER_THE_OTHER and self.accelerators.generations < 2:
            raise InputError(f"{self.mode} must have 2 generations at least, not 1")


def breeding(min_top1_percent: float, seed: int = 0, aim: Aim = Aim.SCORE) -> ArchitectureSettings:
    """How networks are bred for an accelerator, unless told otherwise."""
    return ArchitectureSettings(
        min_top1_percent=min_top1_percent, aim=aim, population=16, generations=16, seed=seed
    )


def joint_digest(
    space: Space, oracle: AccuracyOracle, budget: Budget, settings: JointSettings
) -> str:
    """SHA-256 of everything that determines the result."""
    plain = {
        "space": space.name,
        "layers": [layer.model_dump(mode="json") for layer in space.layers],
        "accuracy": oracle.worth.model_dump(mode="json"),
        "networks": settings.networks.model_dump(mode="json"),
        "mode": settings.mode,
        "rest": settings_digest([], budget, settings.accelerators),
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def find_oracle(name: str, space: Space) -> AccuracyOracle:
    """The ImageNet estimate, or the object that `module:object` names: this runs its code.

    Raises
    ------
    InputError : no such oracle, or the estimate for a space that it does not speak of.
    """
    if name == ESTIMATE:
        if space.name != OFA_RESNET50.name or not isinstance(space, SlotSpace):
            raise InputError(
                f"{ESTIMATE} must be asked of {OFA_RESNET50.name} only, not of {space.name}"
            )
        return ImageNetEstimate(space=space)
    if ":" not in name:
        raise InputError(f"accuracy must be {ESTIMATE} or module:object, not {name!r}")
    oracle = import_object(name)
    if not isinstance(oracle, AccuracyOracle):
        raise InputError(f"{name} must give accuracies, not be {type(oracle).__name__}")
    return oracle
