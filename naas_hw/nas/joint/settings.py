"""What, with space, oracle and budget, determines a joint search."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from naas_hw.arch.budget import Budget
from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.imagenet_estimate import ImageNetEstimate
from naas_hw.nas.accuracy.old_oracles import current_oracle
from naas_hw.nas.accuracy.oracle import AccuracyOracle
from naas_hw.nas.accuracy.published import load_published_predictor
from naas_hw.nas.joint.architecture_search import Aim, ArchitectureSettings
from naas_hw.nas.spaces.builtin import OFA_RESNET50
from naas_hw.nas.spaces.space import SlotSpace, Space
from naas_hw.search.accelerator.settings import SearchSettings, settings_digest
from naas_hw.workload.frontends.source import import_object

ESTIMATE: Final = "imagenet-estimate"
PREDICTOR: Final = "ofa-predictor:"
"""What comes before the path of the published predictor's file."""


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
            raise InputError(
                "a search of networks must search the mappings of all candidates in full: it "
                "has no screening and no fixed dataflow"
            )
        if self.mode is Mode.ONE_AFTER_THE_OTHER and self.networks.aim is Aim.FRONT:
            raise InputError(f"mode {self.mode} must search one network; it cannot search a front")
        if self.mode is Mode.ONE_AFTER_THE_OTHER and self.accelerators.generations < 2:
            raise InputError(f"mode {self.mode} must have at least 2 generations, not 1")


def breeding(min_top1_percent: float, seed: int = 0, aim: Aim = Aim.SCORE) -> ArchitectureSettings:
    """Default settings for breeding the networks of one accelerator."""
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
        "accuracy": oracle.source.model_dump(mode="json"),
        "networks": settings.networks.model_dump(mode="json"),
        "mode": settings.mode,
        "rest": settings_digest([], budget, settings.accelerators),
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def find_oracle(name: str, space: Space) -> AccuracyOracle:
    """Where accuracies of the networks of a space come from, by its name.

    `imagenet-estimate` estimates them, `ofa-predictor:FILE` reads the published predictor from a
    file of the user, and `module:object` names an oracle in Python, whose code runs here.

    Raises
    ------
    InputError : no such oracle, or one that does not know the space.
    ToolError : the predictor needs torch, which is not installed.
    """
    if name == ESTIMATE:
        if space.name != OFA_RESNET50.name or not isinstance(space, SlotSpace):
            raise _wrong_space(ESTIMATE, space)
        return ImageNetEstimate(space=space)
    if name.startswith(PREDICTOR):
        if space.name != OFA_RESNET50.name:
            raise _wrong_space(PREDICTOR, space)
        return load_published_predictor(name.removeprefix(PREDICTOR))
    if ":" not in name:
        raise InputError(
            f"accuracy must be {ESTIMATE}, {PREDICTOR}FILE or module:object, not {name!r}"
        )
    given = import_object(name)
    oracle = current_oracle(given)
    if oracle is None:
        raise InputError(f"{name} must return accuracies, not {type(given).__name__}")
    return oracle


def _wrong_space(oracle: str, space: Space) -> InputError:
    return InputError(f"{oracle} must be asked of {OFA_RESNET50.name} only, not of {space.name}")
