"""Predicted resources and clock of an accelerator on an ECP5."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import DEVICES, DevicePart, Resources
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga.block_memories import num_block_memories
from naas_hw.cost.fpga.features import (
    CLOCK_FEATURES,
    FF_FEATURES,
    LUT_FEATURES,
    area_features,
    clock_features,
)
from naas_hw.cost.fpga.memories import Memories
from naas_hw.cost.fpga.multipliers import num_multipliers
from naas_hw.cost.fpga.records import DATA, DesignRecord, Role, for_the_fit, of_role, read_records
from naas_hw.cost.fpga.regression import Floats, fit_relative

ENOUGH_DESIGNS: Final = {Role.FIT: 30, Role.HELD_OUT: 10}
"""Role -> how many designs with a clock there are before a prediction is no longer provisional."""

KEPT_PREDICTIONS: Final = 1 << 16

SHRINKAGE: Final = 0.02
"""Holds what few designs leave open: of nine designs, each predicted from the others, the mean
error of flip-flops fell from 20 % to 7 % with it."""

DESIGNS_A_CLOCK_FEATURE: Final = 5
"""Designs with a clock that each feature of the clock needs: placement is random, so two designs
alone would make a slope of chance."""


@dataclass(frozen=True, kw_only=True)
class FpgaPrediction:
    """What an accelerator is predicted to take, alone, and its clock.

    Parameters
    ----------
    resources : LUTs and flip-flops by the fit, multipliers and block memories exactly.
    clock_mhz : after place and route, by designs on the slowest speed grade.
    is_provisional : whether fewer designs were built than `ENOUGH_DESIGNS`.
    """

    resources: Resources
    clock_mhz: float
    is_provisional: bool = False


@dataclass(frozen=True, kw_only=True)
class Coefficients:
    """What a feature costs.

    Parameters
    ----------
    lut4 : LUTs, one for each of `LUT_FEATURES`.
    ff : flip-flops, one for each of `FF_FEATURES`.
    clock_ns : nanoseconds, one for each of `CLOCK_FEATURES`; empty where no design had a clock.
    """

    lut4: tuple[float, ...]
    ff: tuple[float, ...]
    clock_ns: tuple[float, ...]


class FpgaModel:
    """Predictions by coefficients.

    Parameters
    ----------
    coefficients : of the fitted parts.
    is_provisional : whether fewer designs were built than `ENOUGH_DESIGNS`.
    digest : of the designs that it was fitted to.
    """

    def __init__(
        self, coefficients: Coefficients, *, is_provisional: bool = False, digest: str = ""
    ) -> None:
        self.coefficients = coefficients
        self.is_provisional = is_provisional
        self.digest = digest
        self._kept = lru_cache(maxsize=KEPT_PREDICTIONS)(self._predict)

    @property
    def has_clock(self) -> bool:
        """Whether some design of the fit had a clock."""
        return bool(self.coefficients.clock_ns)

    def predict(self, accelerator: Accelerator, part: DevicePart) -> FpgaPrediction:
        """Resources and clock of an accelerator on a part, which changes the clock only.

        Raises
        ------
        InputError : the model has no clock.
        """
        if not self.has_clock:
            raise InputError("the data of the FPGA model must have a design with a clock, not none")
        return self._kept(accelerator.model_copy(update={"name": "predicted"}), part)

    def _predict(self, accelerator: Accelerator, part: DevicePart) -> FpgaPrediction:
        resources = self.resources(accelerator)
        features = clock_features(accelerator, resources, part.device.resources)
        path_ns = _dot(self.coefficients.clock_ns, [features[name] for name in CLOCK_FEATURES])
        return FpgaPrediction(
            resources=resources, clock_mhz=1000 / path_ns, is_provisional=self.is_provisional
        )

    def resources(self, accelerator: Accelerator) -> Resources:
        """LUTs, flip-flops, multipliers and block memories."""
        features = area_features(accelerator)
        return Resources(
            lut4=round(_dot(self.coefficients.lut4, [features[n] for n in LUT_FEATURES])),
            ff=round(_dot(self.coefficients.ff, [features[n] for n in FF_FEATURES])),
            dsp=num_multipliers(accelerator),
            block_ram=block_memories(accelerator),
        )


def block_memories(accelerator: Accelerator) -> int:
    """Block memories that synthesis makes of the memories of an accelerator; exact."""
    groups = Memories(accelerator).groups
    return sum(group.count * num_block_memories(group.shape) for group in groups)


def _dot(coefficients: Sequence[float], values: Sequence[float]) -> float:
    return sum(c * value for c, value in zip(coefficients, values, strict=True))


def fit(records: Sequence[DesignRecord]) -> FpgaModel:
    """The model of the designs that are for the fit; those that were held out are only counted.

    Raises
    ------
    InputError : no design is for the fit.
    """
    designs = for_the_fit(records)
    if not designs:
        raise InputError("the data of the FPGA model must have a design for the fit, not none")
    features = [area_features(record.accelerator) for record in designs]
    area = {
        name: fit_relative(_matrix(features, names), _targets(designs, name), shrinkage=SHRINKAGE)
        for name, names in (("lut4", LUT_FEATURES), ("ff", FF_FEATURES))
    }
    text = "".join(record.model_dump_json() for record in designs)
    return FpgaModel(
        Coefficients(
            lut4=tuple(area["lut4"].tolist()),
            ff=tuple(area["ff"].tolist()),
            clock_ns=_fit_clock([record for record in designs if record.clocks]),
        ),
        is_provisional=_is_provisional(records),
        digest=sha256(text.encode()).hexdigest()[:16],
    )


def _is_provisional(records: Sequence[DesignRecord]) -> bool:
    return any(
        sum(bool(record.clocks) for record in of_role(records, role)) < enough
        for role, enough in ENOUGH_DESIGNS.items()
    )


def _fit_clock(designs: Sequence[DesignRecord]) -> tuple[float, ...]:
    """Nanoseconds of each feature, the first ones only where designs are few; empty without any."""
    if not designs:
        return ()
    names = CLOCK_FEATURES[: max(1, len(designs) // DESIGNS_A_CLOCK_FEATURE)]
    paths_ns = np.array([1000 / median(record.clocks) for record in designs])
    rows = [_clock_features(record) for record in designs]
    found = fit_relative(_matrix(rows, names), paths_ns, shrinkage=SHRINKAGE).tolist()
    return (*found, *[0.0] * (len(CLOCK_FEATURES) - len(names)))


def _matrix(rows: Sequence[dict[str, float]], names: Sequence[str]) -> Floats:
    return np.array([[row[name] for name in names] for row in rows], np.float64)


def _targets(designs: Sequence[DesignRecord], name: str) -> Floats:
    return np.array([getattr(record, name) for record in designs], np.float64)


def _clock_features(record: DesignRecord) -> dict[str, float]:
    available = DEVICES[record.device].resources
    return clock_features(record.accelerator, record.resources, available)


@cache
def fitted_model(folder: Path = DATA) -> FpgaModel:
    """The model that the designs of a folder give; fitted once in a process.

    Raises
    ------
    InputError : a file of the folder is wrong, or no design of it is for the fit.
    """
    return fit(read_records(folder))
