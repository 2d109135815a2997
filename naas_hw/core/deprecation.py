"""Old names of commands, options, keywords and keys: they work for one minor release.

Whatever was renamed calls `warn_renamed`. A library sees a `RenamedWarning`, and the command line
prints it as one line on the error stream.
"""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

T = TypeVar("T")

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


def renames_keyword(old: str, new: str) -> Callable[[type[T]], type[T]]:
    """Let a class be made with the old name of a keyword too, with one `RenamedWarning`."""

    def decorate(decorated: type[T]) -> type[T]:
        make: Callable[..., None] = decorated.__init__

        @wraps(make)
        def make_with_either(self: T, *arguments: Any, **keywords: Any) -> None:
            if old in keywords:
                warn_renamed(f"{decorated.__name__}({old}=)", f"{new}=", stacklevel=2)
                keywords[new] = keywords.pop(old)
            make(self, *arguments, **keywords)

        setattr(decorated, "__init__", make_with_either)  # noqa: B010
        return decorated

    return decorate
