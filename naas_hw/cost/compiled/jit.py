"""How functions are compiled, and when a compiled one on disk is out of date."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from numba import njit

from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.linked import Kernel

COST: Final = Path(__file__).resolve().parents[1]


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function at its first call, for use inside other compiled ones.

    Divisions and indices are not checked: a kernel divides by numbers of at least 1 only.
    """
    return Kernel(function, {"nogil": True, "error_model": "numpy"})


def entry(function: Callable[..., Any]) -> Any:
    """The same, and keep the machine code on disk.

    Numba takes code on disk for current as long as the file of the function does not change. But
    the functions that it calls are compiled into it. So here the code is current only as long as
    no file of the cost model, and none of the function's own folder, changes.
    """
    try:
        dispatcher = njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError as error:  # neither the package's folder nor the user's cache is writable
        raise InputError(
            "compiled code must have a folder to be kept in that can be written "
            f"(NUMBA_CACHE_DIR names one): {error}"
        ) from error
    folder = Path(inspect.getfile(function)).resolve().parent
    dispatcher._cache._cache_file._source_stamp = _stamp(COST) + _stamp(folder)
    return dispatcher


def is_on_disk(dispatcher: Any) -> bool:
    """Whether the machine code of an entry is kept on disk, and is current."""
    return bool(dispatcher._cache._cache_file._load_index())


@lru_cache
def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Path, time of change and size of every source of a folder."""
    files = sorted(folder.rglob("*.py"))
    return tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files)
