"""The edge to JSON files: only numbers that are numbers, and one sentence for whatever is wrong."""

import json
from math import isfinite
from pathlib import Path
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.system.files import read_file
from naas_hw.system.text import printable, shortened

MAX_FILE_BYTES: Final = 32 * 1024 * 1024
"""As values, the worst of it takes thirty times as much memory."""
_MAX_REASON: Final = 200


def read_json(path: str | Path, *, max_bytes: int = MAX_FILE_BYTES) -> object:
    """The content of a JSON file.

    Raises
    ------
    InputError : it cannot be read, is too large, or is no JSON; see `parse_json`.
    """
    return parse_json(read_file(path, max_bytes=max_bytes), printable(str(path)))


def parse_json(content: str | bytes, source: str) -> object:
    """The content of a JSON text; `source` names it in errors.

    Raises
    ------
    InputError : it is no JSON, is nested too deeply, or has a number that is infinite or none.
    """
    try:
        return json.loads(content, parse_constant=_refused, parse_float=_finite)
    except RecursionError as error:
        raise InputError(f"{source}: must be nested less deeply") from error
    except ValueError as error:
        reason = shortened(printable(str(error)), _MAX_REASON)
        raise InputError(f"{source}: must be JSON: {reason}") from error


def _refused(word: str) -> float:
    raise ValueError(f"a number must be finite, not {word}")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"a number must be finite, not {shortened(text, 20)}")
    return value
