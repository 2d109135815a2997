"""The FPGAs that `naas build` knows."""

from dataclasses import dataclass
from typing import Final

from naas_hw.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Device:
    """A part as place and route takes it.

    Parameters
    ----------
    name : as in `naas build --device`.
    option : what selects it in nextpnr.
    packages : the first is the default.
    speed_grades : the first is the default, the slowest.
    """

    name: str
    option: str
    packages: tuple[str, ...]
    speed_grades: tuple[int, ...]


TARGET_MHZ: Final = 80.0
"""Default clock frequency that place and route aims at."""

_SMALL: Final = ("CABGA381", "CABGA256", "CSFBGA285")
_PACKAGES: Final = {
    "12f": (*_SMALL, "TQFP144"),
    "25f": (*_SMALL, "TQFP144"),
    "45f": (*_SMALL, "CABGA554", "TQFP144"),
    "85f": ("CABGA381", "CABGA554", "CABGA756", "CSFBGA285"),
}
_SERDES_PACKAGES: Final = {
    "25f": ("CABGA381", "CSFBGA285"),
    "45f": ("CABGA381", "CABGA554", "CSFBGA285"),
    "85f": ("CABGA381", "CABGA554", "CABGA756", "CSFBGA285"),
}


def _devices() -> dict[str, Device]:
    devices = {}
    for size, packages in _PACKAGES.items():
        devices[f"lfe5u-{size}"] = Device(
            name=f"lfe5u-{size}",
            option=f"--{size[:2]}k",
            packages=packages,
            speed_grades=(6, 7, 8),
        )
    for prefix, grades in (("um", (6, 7, 8)), ("um5g", (8,))):
        for size, packages in _SERDES_PACKAGES.items():
            devices[f"lfe5{prefix}-{size}"] = Device(
                name=f"lfe5{prefix}-{size}",
                option=f"--{prefix}-{size[:2]}k",
                packages=packages,
                speed_grades=grades,
            )
    return devices


DEVICES: Final = _devices()
"""Every device by its name."""


@dataclass(frozen=True, kw_only=True)
class DevicePart:
    """A device in a package, of a speed grade."""

    device: Device
    package: str
    speed_grade: int


def find_part(
    name: str, *, package: str | None = None, speed_grade: int | None = None
) -> DevicePart:
    """The part of this name; the default package and the slowest grade where none is given.

    Raises
    ------
    InputError : a device, package or grade that does not exist; names those that do.
    """
    device = DEVICES.get(name.lower())
    if device is None:
        known = ", ".join(DEVICES)
        raise InputError(f"device must be one of {known}, not {name!r}")
    package = device.packages[0] if package is None else package.upper()
    if package not in device.packages:
        known = ", ".join(device.packages)
        raise InputError(f"package of {device.name} must be one of {known}, not {package!r}")
    speed_grade = device.speed_grades[0] if speed_grade is None else speed_grade
    if speed_grade not in device.speed_grades:
        known = ", ".join(map(str, device.speed_grades))
        raise InputError(f"speed grade of {device.name} must be one of {known}, not {speed_grade}")
    return DevicePart(device=device, package=package, speed_grade=speed_grade)
