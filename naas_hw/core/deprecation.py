"""Old names of commands, options, keywords and keys: they work for one minor release.

Whatever was renamed calls `warn_renamed`. A library sees a `RenamedWarning`, and the command line
prints it as one line on the error stream.
"""

import warnings
from typing import Final

REMOVED_IN: Final = "0.2.0"
"""The version in which the names that are deprecated today stop working."""


class RenamedWarning(DeprecationWarning):
    """An old name was used, which will stop working."""


def warn_renamed(old: str, new: str, *, stacklevel: int = 1) -> None:
    """Warn in one line that a name is deprecated.

    Parameters
    ----------
    old : what was used, with its place, as "naas export --out".
    new : what does the same.
    stacklevel : how many frames above the caller the warning points at.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     warn_renamed("naas export --out", "--output")
    >>> print(caught[0].message)
    naas export --out is deprecated and will stop working in version 0.2.0; use --output instead
    """
    warnings.warn(
        f"{old} is deprecated and will stop working in version {REMOVED_IN}; use {new} instead",
        RenamedWarning,
        stacklevel=stacklevel + 1,
    )
