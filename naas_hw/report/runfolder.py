"""A run folder: everything about one design, and the only place where naas writes it.

One writer at a time (a lock), each file whole or not at all (written aside, then renamed), and
nothing of a user's is ever removed: `--force` takes away what naas itself writes, no more.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Final, Self

import filelock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from naas_hw.errors import InputError
from naas_hw.workload.layer import NAME_PATTERN

MANIFEST: Final = "manifest.json"
LOCK: Final = ".lock"
CONTENTS: Final = (
    MANIFEST,
    "network.yaml",
    "accelerator.yaml",
    "mapping.yaml",
    "energy_table.yaml",
    "result.json",
    "history.sqlite",
    "history.sqlite-wal",
    "history.sqlite-shm",
    "history.sqlite-journal",
    "layers.sqlite",
    "layers.sqlite-journal",
    "rtl",
    "program",
    "sim",
    "fpga",
    "report.html",
)
"""Entries that naas writes, hence those that `--force` removes."""


def _aside(name: str) -> str:
    """What an entry is called until it is whole."""
    return f".{name}.part"


def digest_of(*inputs: str | bytes) -> str:
    """SHA-256 over the inputs of a run; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for given in inputs:
        data = given.encode() if isinstance(given, str) else given
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


class Manifest(BaseModel):
    """What made a run: enough to make it again. No time, no machine, no absolute path.

    Parameters
    ----------
    naas : version of naas_hw.
    packages : versions of what the result depends on.
    command : words of the command line; of an absolute path its last part.
    seed : of everything random in the run.
    digest : over all inputs (`digest_of`).
    energy_table : its name, and the beginning of the SHA-256 of its figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(default=1, ge=1, le=1)
    naas: str
    packages: dict[str, str] = {}
    command: tuple[str, ...]
    seed: int | None = None
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    energy_table: str | None = None

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
            command=tuple(map(_without_folder, command)),
            seed=seed,
            digest=digest,
            energy_table=energy_table,
        )

    @property
    def text(self) -> str:
        """As it stands in the file."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    def difference(self, other: "Manifest") -> str | None:
        """The first thing in which a resumed run would not be the same run."""
        for field in ("naas", "packages", "seed", "energy_table", "digest"):
            ours, theirs = getattr(self, field), getattr(other, field)
            if ours != theirs:
                return f"{field} must be {ours}, not {theirs}"
        return None


def _without_folder(word: str) -> str:
    option, equals, value = word.rpartition("=")
    if not value.startswith("/"):
        return word
    return f"{option}{equals}{PurePosixPath(value).name}"


@dataclass(frozen=True)
class RunFolder:
    """A run folder that exists. Get one from `create`, `open` or `read`."""

    path: Path

    @classmethod
    @contextmanager
    def create(
        cls, path: Path, manifest: Manifest, *, resume: bool = False, force: bool = False
    ) -> Iterator[Self]:
        """Make a run folder and hold its lock for as long as the `with` lasts.

        A run that fails before it has written anything leaves nothing behind.

        Raises
        ------
        InputError where a run is there and neither `resume` nor `force` is given, where the run
            to resume is another one, where the folder holds something else, and where another
            process writes to it.
        """
        if resume and force:
            raise InputError("--resume and --force must not be given together")
        existed = path.exists()
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        try:
            with run._locked():
                run._prepare(manifest, resume=resume, force=force)
                yield run
        finally:
            if not existed:
                run._remove_if_nothing_was_written()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """An existing run folder, to add to it; its lock is held until the `with` ends."""
        run = cls.read(path)
        with run._locked():
            yield run

    @classmethod
    def read(cls, path: Path) -> Self:
        """An existing run folder, to read it only."""
        run = cls(path)
        if not (path / MANIFEST).is_file():
            raise InputError(f"{path} must be a run folder (it has a {MANIFEST})")
        _ = run.manifest
        return run

    @property
    def manifest(self) -> Manifest:
        """What made this run."""
        try:
            return Manifest.model_validate_json(self.read_text(MANIFEST))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InputError(f"{self.path / MANIFEST}: {place}: {first['msg']}") from error

    def place(self, name: str) -> Path:
        """Where the entry of this name (`result.json`, `rtl/top.v`) lies, there or not."""
        parts = name.split("/")
        if not all(re.fullmatch(NAME_PATTERN, part, re.ASCII) for part in parts):
            raise InputError(
                "an entry of a run folder must have a name of letters, digits, '_', '.' and '-', "
                f"not {name!r}"
            )
        return self.path.joinpath(*parts)

    def has(self, name: str) -> bool:
        """Whether the entry is there."""
        return self.place(name).exists()

    def read_text(self, name: str) -> str:
        """The text of an entry, or an InputError that says which one is missing."""
        try:
            return self.place(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(f"{self.path} must hold {name}, which is missing") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{self.place(name)} must be UTF-8 text: {error.reason}") from None

    def write_text(self, name: str, text: str) -> Path:
        """Write an entry, whole or not at all."""
        return self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Write an entry, whole or not at all."""
        place = self.place(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_name(_aside(place.name))
        try:
            aside.write_bytes(data)
            os.replace(aside, place)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        return place

    def write_tree(self, name: str, files: Mapping[str, str | bytes]) -> Path:
        """Replace a folder of the run by these files (relative path -> content), all or none."""
        place = self.place(name)
        places = {self.place(f"{name}/{file}").relative_to(place): file for file in files}
        aside = place.with_name(_aside(place.name))
        _remove(aside)
        try:
            for relative, file in places.items():
                content = files[file]
                target = aside / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode() if isinstance(content, str) else content)
            aside.mkdir(parents=True, exist_ok=True)
            _remove(place)
            os.replace(aside, place)
        except BaseException:
            _remove(aside)
            raise
        return place

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = filelock.FileLock(self.path / LOCK, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise InputError(f"{self.path} must have one writer, not a second one") from None
        try:
            yield
        finally:
            lock.release()

    def _prepare(self, manifest: Manifest, *, resume: bool, force: bool) -> None:
        unfinished = {_aside(name) for name in CONTENTS}  # by a writer that was killed
        entries = {entry.name for entry in self.path.iterdir()} - {LOCK} - unfinished
        if entries and MANIFEST not in entries:
            raise InputError(f"{self.path} must be a run folder or empty, not a folder of others")
        if entries and not (resume or force):
            raise InputError(f"{self.path} must not exist (--resume goes on, --force starts anew)")
        for name in unfinished:
            _remove(self.path / name)
        if entries and resume:
            self._check_same(manifest)
            return
        for name in CONTENTS:
            if name != MANIFEST:  # whose absence would make it a folder of others
                _remove(self.path / name)
        self.write_text(MANIFEST, manifest.text)

    def _check_same(self, manifest: Manifest) -> None:
        difference = self.manifest.difference(manifest)
        if difference:
            raise InputError(f"--resume must find the run that was begun: {difference}")

    def _remove_if_nothing_was_written(self) -> None:
        if {entry.name for entry in self.path.iterdir()} <= {LOCK, MANIFEST}:
            shutil.rmtree(self.path, ignore_errors=True)


def _remove(path: Path) -> None:
    """Take away a file, a link (not what it points to), or a folder; nothing is fine too."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
