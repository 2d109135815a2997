"""The manifest of a run: what made it, and every file that naas wrote, with its SHA-256."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from naas_hw.system.digests import sha256_of
from naas_hw.system.text import printable

MANIFEST: Final = "manifest.json"

_FILES_OF_VERSION_1: Final = (
    "network.yaml",
    "accelerator.yaml",
    "mapping.yaml",
    "energy_table.yaml",
    "result.json",
    "report.html",
    "history.sqlite",
    "layers.sqlite",
    "sim/predicted.json",
    "sim/simulated.json",
    "fpga/build.json",
    "fpga/route.log",
)
"""What naas may have written into a run whose manifest did not list files yet, but for folders
whose files have no fixed names."""


def digest_of(*inputs: str | bytes) -> str:
    """SHA-256 over the inputs of a run; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for given in inputs:
        data = given.encode() if isinstance(given, str) else given
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"
ENTRY: Final = re.compile(rf"{_PART}(/{_PART})*")
Entry = Annotated[str, Field(pattern=rf"^{ENTRY.pattern}$")]
"""Path of a file in the run folder."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What made a run: enough to make it again. No time, no machine, no absolute path.

    Parameters
    ----------
    naas : version of naas_hw.
    packages : versions of what the result depends on.
    command : words of the command line; of an absolute path its last part.
    seed : the random seed of the run.
    digest : over all inputs (`digest_of`).
    energy_table : its name, and the beginning of the SHA-256 of its figures.
    files : what naas wrote into the folder, besides this file; relative path -> SHA-256, in order.
        None of a file that another program writes, and of one that an older naas wrote.
    checksum : SHA-256 of all other fields. It is of other fields in a manifest that was edited, and
        in every manifest that naas made of such a one since.

    Version 2 had no SHA-256 of files and no checksum, version 1 had no list of files either.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1, 2, 3] = 3
    naas: str
    packages: dict[str, str] = {}
    command: tuple[str, ...]
    seed: int | None = None
    digest: Sha256
    energy_table: str | None = None
    files: dict[Entry, Sha256 | None] = {}
    checksum: str | None = None

    @field_validator("files", mode="before")
    @classmethod
    def _names_of_version_2(cls, files: object) -> object:
        if isinstance(files, list) and all(isinstance(name, str) for name in files):
            return dict.fromkeys(files)
        return files

    @classmethod
    def of(
        cls,
        *,
        command: Sequence[str],
        digest: str,
        seed: int | None = None,
        packages: Sequence[str] = (),
        energy_table: str | None = None,
    ) -> Self:
        """The manifest of a run that starts now; `packages` names distributions."""
        return cls(
            naas=metadata.version("naas_hw"),
            packages={name: metadata.version(name) for name in sorted(packages)},
            command=tuple(printable(_without_folder(word)) for word in command),
            seed=seed,
            digest=digest,
            energy_table=energy_table,
        )._with_checksum()

    @property
    def text(self) -> str:
        """As it stands in the file."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @property
    def listed(self) -> frozenset[str]:
        """Files that naas wrote into the folder, as far as this manifest knows."""
        return frozenset(self.files if self.version > 1 else _FILES_OF_VERSION_1)

    @property
    def digests(self) -> dict[str, str]:
        """File -> SHA-256, of the files of which it is known."""
        return {name: digest for name, digest in self.files.items() if digest is not None}

    @property
    def is_as_written(self) -> bool:
        """Whether nobody edited it, as far as it can tell."""
        if self.version < 3:
            return self.checksum is None and not self.digests
        return self.checksum == self._checksum()

    def with_files(self, files: Mapping[str, str | None]) -> Self:
        """The same with this list of files; it has a right checksum only if this one has."""
        changed = self.model_copy(update={"version": 3, "files": dict(sorted(files.items()))})
        return changed._with_checksum() if self.is_as_written else changed

    def without(self, names: Iterable[str]) -> Self:
        """The same without these files."""
        gone = set(names)
        return self.with_files(
            {name: self.files.get(name) for name in self.listed if name not in gone}
        )

    def difference(self, other: "Manifest") -> str | None:
        """The first thing in which a resumed run would not be the same run."""
        for field in ("naas", "packages", "seed", "energy_table", "digest"):
            ours, theirs = getattr(self, field), getattr(other, field)
            if ours != theirs:
                return f"{field} must be {ours}, not {theirs}"
        return None

    def _with_checksum(self) -> Self:
        return self.model_copy(update={"checksum": self._checksum()})

    def _checksum(self) -> str:
        fields: dict[str, Any] = self.model_dump(mode="json", exclude={"checksum"})
        return sha256_of(json.dumps(fields, sort_keys=True))


def _without_folder(word: str) -> str:
    option, equals, value = word.rpartition("=")
    if not value.startswith("/"):
        return word
    return f"{option}{equals}{PurePosixPath(value).name}"
