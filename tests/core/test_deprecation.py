"""Old names warn, and go away when their version comes."""

import pytest

from naas_hw.core.deprecation import REMOVED_IN, RenamedWarning, warn_renamed
from naas_hw.core.version import __version__


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_the_warning_is_one_line_that_names_old_and_new():
    with pytest.warns(RenamedWarning) as caught:
        warn_renamed("naas export --out", "--output")
    (warning,) = caught
    assert str(warning.message) == (
        f"naas export --out is deprecated and will stop working in version {REMOVED_IN}; "
        "use --output instead"
    )
    assert warning.filename == __file__


def test_libraries_see_a_deprecation_warning():
    assert issubclass(RenamedWarning, DeprecationWarning)


def test_a_deprecated_name_is_removed_in_time():
    """At that version, remove all old names and raise `REMOVED_IN` by a minor version."""
    assert numbers(__version__) < numbers(REMOVED_IN)
