"""The platforms that naas_hw is tested on, and one sentence for all others."""

import platform
import sys
from typing import Final

TESTED_SYSTEM: Final = ("Linux", "x86_64")
TESTED_PYTHONS: Final = ((3, 11), (3, 12), (3, 13))
"""docs/platforms.md says what was tested with each."""


def this_platform() -> tuple[str, str, tuple[int, int]]:
    """System, CPU and version of Python, as `untested_platform` takes them."""
    return platform.system(), platform.machine(), sys.version_info[:2]


def untested_platform(system: str, machine: str, python: tuple[int, int]) -> str | None:
    """A sentence about a platform that naas_hw is not tested on; None of a tested one.

    Parameters
    ----------
    system, machine : as `platform.system` and `platform.machine` name them.
    python : major and minor version.

    Examples
    --------
    >>> untested_platform("Linux", "x86_64", (3, 11)) is None
    True
    >>> untested_platform("Darwin", "arm64", (3, 11)).partition(";")[0]
    'naas_hw is not tested on Darwin arm64 with Python 3.11'
    """
    if (system, machine) == TESTED_SYSTEM and python in TESTED_PYTHONS:
        return None
    tested = ", ".join(f"{major}.{minor}" for major, minor in TESTED_PYTHONS)
    return (
        f"naas_hw is not tested on {system} {machine} with Python {python[0]}.{python[1]}; "
        f"it is tested on {' '.join(TESTED_SYSTEM)} with Python {tested}"
    )
