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
    resources : what the device has.
    """

    name: str
    option: str
    packages: tuple[str, ...]
    speed_grades: tuple[int, ...]
    resources: "Resources"


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Cells of an FPGA: those that a design takes, or those that a device has.

    Parameters
    ----------
    lut4 : LUT sites: logic, carry chains and small memories.
    ff : flip-flops. dsp : multipliers of 18 x 18. block_ram : memories of 16 or 18 Kbit.
    """

    lut4: int = 0
    ff: int = 0
    dsp: int = 0
    block_ram: int = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            lut4=self.lut4 + other.lut4,
            ff=self.ff + other.ff,
            dsp=self.dsp + other.dsp,
            block_ram=self.block_ram + other.block_ram,
        )

    def shortages(self, available: "Resources") -> tuple[str, ...]:
        """What is more than there is, each as `77 DSP of 28`; empty where all of it fits."""
        return tuple(
            f"{need:,} {label} of {have:,}"
            for name, label in RESOURCE_LABELS.items()
            if (need := getattr(self, name)) > (have := getattr(available, name))
        )


RESOURCE_LABELS: Final = {"lut4": "LUT4", "ff": "FF", "dsp": "DSP", "block_ram": "block RAM"}
"""What each of the resources is called where people read it."""

TARGET_MHZ: Final = 80.0
"""Default clock frequency that place and route aims at."""
LIMIT_MINUTES: Final = 60.0
"""Default of what synthesis may take, and place and route for each seed."""

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
_RESOURCES: Final = {
    "12f": Resources(lut4=24288, ff=24288, dsp=28, block_ram=56),
    "25f": Resources(lut4=24288, ff=24288, dsp=28, block_ram=56),
    "45f": Resources(lut4=43848, ff=43848, dsp=72, block_ram=108),
    "85f": Resources(lut4=83640, ff=83640, dsp=156, block_ram=208),
}
"""As nextpnr counts them; a 12F is a 25F of which the maker promises a part."""


def _devices() -> dict[str, Device]:
    devices = {}
    for size, packages in _PACKAGES.items():
        devices[f"lfe5u-{size}"] = Device(
            name=f"lfe5u-{size}",
            option=f"--{size[:2]}k",
            packages=packages,
            speed_grades=(6, 7, 8),
            resources=_RESOURCES[size],
        )
    for prefix, grades in (("um", (6, 7, 8)), ("um5g", (8,))):
        for size, packages in _SERDES_PACKAGES.items():
            devices[f"lfe5{prefix}-{size}"] = Device(
                name=f"lfe5{prefix}-{size}",
                option=f"--{prefix}-{size[:2]}k",
                packages=packages,
                speed_grades=grades,
                resources=_RESOURCES[size],
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
