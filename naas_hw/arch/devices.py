"""The FPGAs that `naas build` knows."""

import re
from dataclasses import dataclass
from typing import Final

from naas_hw.arch.families import Family
from naas_hw.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Device:
    """An FPGA.

    Parameters
    ----------
    name : as in `naas build --device`.
    family : which FPGAs it is one of.
    option : what selects it in nextpnr; empty where that does not know it.
    packages : the first is the default.
    speed_grades : the first is the default, the slowest.
    resources : what the device has.
    """

    name: str
    family: Family
    option: str
    packages: tuple[str, ...]
    speed_grades: tuple[int, ...]
    resources: "Resources"


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Cells of an FPGA: those that a design takes, or those that a device has.

    Parameters
    ----------
    lut4 : LUT sites: logic, carry chains and small memories. A LUT of 7-series has six inputs.
    ff : flip-flops. dsp : multipliers. block_ram : memories of 16 or 18 Kbit.
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

_SERIES_7: Final = {
    "xc7a35t": (
        ("CPG236", "CSG324", "CSG325", "FTG256", "FGG484"),
        Resources(lut4=20800, ff=41600, dsp=90, block_ram=100),
    ),
    "xc7a100t": (
        ("CSG324", "FTG256", "FGG484", "FGG676"),
        Resources(lut4=63400, ff=126800, dsp=240, block_ram=270),
    ),
    "xc7a200t": (
        ("SBG484", "FBG484", "FBG676", "FFG1156"),
        Resources(lut4=134600, ff=269200, dsp=740, block_ram=730),
    ),
    "xc7k325t": (
        ("FFG900", "FFG676", "FBG900", "FBG676"),
        Resources(lut4=203800, ff=407600, dsp=840, block_ram=890),
    ),
    "xc7z010": (
        ("CLG400", "CLG225"),
        Resources(lut4=17600, ff=35200, dsp=80, block_ram=120),
    ),
    "xc7z020": (
        ("CLG400", "CLG484"),
        Resources(lut4=53200, ff=106400, dsp=220, block_ram=280),
    ),
}
"""Device -> packages, and what it has by the maker's overview (DS180, DS190); a block of 36 Kbit is
two memories of 18."""

_SERIES_7_PART: Final = re.compile(r"(xc7[akz]\d{3}t?|xc7a35t)([a-z]{3}\d{3,4})(?:-([123]))?")


def _devices() -> dict[str, Device]:
    devices = {}
    for size, packages in _PACKAGES.items():
        devices[f"lfe5u-{size}"] = Device(
            name=f"lfe5u-{size}",
            family=Family.ECP5,
            option=f"--{size[:2]}k",
            packages=packages,
            speed_grades=(6, 7, 8),
            resources=_RESOURCES[size],
        )
    for prefix, grades in (("um", (6, 7, 8)), ("um5g", (8,))):
        for size, packages in _SERDES_PACKAGES.items():
            devices[f"lfe5{prefix}-{size}"] = Device(
                name=f"lfe5{prefix}-{size}",
                family=Family.ECP5,
                option=f"--{prefix}-{size[:2]}k",
                packages=packages,
                speed_grades=grades,
                resources=_RESOURCES[size],
            )
    for name, (packages, resources) in _SERIES_7.items():
        devices[name] = Device(
            name=name,
            family=Family.SERIES_7,
            option="",
            packages=packages,
            speed_grades=(1, 2, 3),
            resources=resources,
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

    A part of 7-series may be named as a whole: xc7a100tcsg324-1.

    Raises
    ------
    InputError : a device, package or grade that does not exist; names those that do.
    """
    whole = _SERIES_7_PART.fullmatch(name.lower())
    if whole is not None and package is None and speed_grade is None:
        name, package = whole[1], whole[2]
        speed_grade = int(whole[3]) if whole[3] else None
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
