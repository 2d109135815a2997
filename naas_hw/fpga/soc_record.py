"""What naas wrote of a SoC, by digests, so that no file is replaced that a user has changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.emit.plan import FilePlan
from naas_hw.system.digests import sha256_of, sha256_of_file
from naas_hw.system.json_files import read_json
from naas_hw.system.text import printable

RECORD: Final = "soc.json"
"""The file in the folder of a SoC that says what it is, and what naas wrote."""

KIND: Final = "litex"
DIGESTS: Final = "files"
_LARGEST_RECORD: Final = 1 << 20


def digests_of(files: FilePlan) -> dict[str, str]:
    """SHA-256 of each file, by its path."""
    return {path: sha256_of(files[path]) for path in files}


def read_digests(folder: Path) -> dict[str, str]:
    """Path -> digest of each file that naas has written into a folder; nothing of an empty folder.

    Raises
    ------
    InputError : the folder holds something, and no SoC.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return {}
    wanted = InputError(
        f"{printable(str(folder))} must be a new folder, an empty one, or one that holds a SoC "
        f"({RECORD})"
    )
    if not (folder / RECORD).is_file():
        raise wanted
    record = read_json(folder / RECORD, max_bytes=_LARGEST_RECORD)
    if not isinstance(record, Mapping) or record.get("soc") != KIND:
        raise wanted
    digests = record.get(DIGESTS, {})
    return dict(digests) if isinstance(digests, Mapping) else {}


def check_unchanged(files: FilePlan, folder: Path, written: Mapping[str, str]) -> None:
    """Refuse to replace a file whose bytes naas has not written.

    Parameters
    ----------
    files : that are to be written.
    written : as `read_digests` returns it.

    Raises
    ------
    InputError : names the first such file.
    """
    for path in files:
        place = folder / path
        if not place.is_file():
            continue
        found = sha256_of_file(place)
        if found not in (written.get(path), sha256_of(files[path])):
            raise InputError(
                f"{printable(str(place))} has been changed since naas wrote it; move it to another "
                "place, or choose another folder with --output"
            )
