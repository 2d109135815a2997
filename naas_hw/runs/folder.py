"""A run folder: everything about one design, and the only place where naas writes it.

One writer at a time (a lock), each file whole or not at all (written aside, then renamed), and
nothing of a user's is ever removed or replaced: the manifest lists every file that naas wrote, and
only those are. It has the SHA-256 of each, so that a later edit is seen.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import filelock
from pydantic import ValidationError

from naas_hw.core.errors import InputError
from naas_hw.runs.manifest import ENTRY, MANIFEST, Manifest
from naas_hw.system.digests import sha256_of, sha256_of_file
from naas_hw.system.files import (
    check_folders,
    check_replaceable,
    is_unfinished,
    read_file,
    remove_unfinished,
    write_files,
)
from naas_hw.system.json_files import MAX_FILE_BYTES
from naas_hw.system.yaml_files import validation_sentence
from naas_hw.workload.layer import NAME_PATTERN

LOCK: Final = ".lock"


def check_new_run(path: Path, *, resume: bool = False, force: bool = False) -> frozenset[str]:
    """Names of what a folder holds that is to become a run; changes nothing.

    Raises
    ------
    InputError where a run is there and neither `resume` nor `force` is given, or where the folder
        holds something else.
    """
    if not path.is_dir():
        return frozenset()
    entries = {entry.name for entry in path.iterdir() if not is_unfinished(entry.name)} - {LOCK}
    if entries and MANIFEST not in entries:
        raise InputError(f"{path} must be a run folder or an empty one, but it holds other files")
    if entries and not (resume or force):
        raise InputError(
            f"{path} exists already; --force replaces it, and naas search --resume continues a "
            "search"
        )
    return frozenset(entries)


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
    def open(cls, path: Path, *, manifest: Manifest | None = None) -> Iterator[Self]:
        """An existing run folder, to add to it; its lock is held until the `with` ends.

        Parameters
        ----------
        manifest : what a folder that was made by hand gets where it has none.
        """
        run = cls(path) if manifest is not None else cls.read(path)
        with run._locked():
            if manifest is not None and not os.path.lexists(path / MANIFEST):
                run._write_manifest(manifest)
            yield cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """An existing run folder, to read it only."""
        run = cls(path)
        if not (path / MANIFEST).is_file():
            raise InputError(f"{path} must be a run folder, which contains {MANIFEST}")
        _ = run.manifest
        return run

    @property
    def manifest(self) -> Manifest:
        """What made this run."""
        try:
            return Manifest.model_validate_json(self.read_text(MANIFEST))
        except ValidationError as error:
            raise InputError(f"{self.path / MANIFEST}: {validation_sentence(error)}") from error

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
        place = self.place(name)
        if not os.path.lexists(place):
            raise InputError(f"{self.path} has no {name}")
        try:
            return read_file(place, max_bytes=MAX_FILE_BYTES).decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{place} must be UTF-8 text: {error.reason}") from None

    def write_text(self, name: str, text: str) -> Path:
        """Write an entry, whole or not at all."""
        self.write_files({name: text})
        return self.place(name)

    def write_files(
        self, files: Mapping[str, str | bytes], *, instead_of: Sequence[str] = ()
    ) -> None:
        """Write entries (name -> content), all or none; the manifest lists them from then on.

        Of a writer that is killed in between, the manifest may have the SHA-256 of older content.

        Parameters
        ----------
        instead_of : folders of the run. What naas has written into them before is removed, where
            it is not among `files`; what others have put there stays.

        Raises
        ------
        InputError : something is there that naas did not write, or that is no regular file.
        """
        old = {
            name
            for name in self.manifest.listed
            if name not in files and name.startswith(tuple(f"{folder}/" for folder in instead_of))
        }
        self._list(files)
        manifest = self.manifest
        digests = {name: sha256_of(content) for name, content in files.items()}
        listed = manifest.with_files({**manifest.files, **digests})
        write_files(self.path, {**files, MANIFEST: listed.text})
        self._remove(old)

    def claim(self, names: Iterable[str]) -> None:
        """List files in the manifest that are about to be written, by others than this class.

        The manifest has no SHA-256 of them.

        Raises
        ------
        InputError : something is there that naas did not write, or that is no regular file.
        """
        names = tuple(names)
        self._list(names)
        manifest = self.manifest
        unknown = manifest.with_files({**manifest.files, **dict.fromkeys(names)})
        if unknown != manifest:
            self._write_manifest(unknown)

    def record(self, names: Iterable[str]) -> None:
        """Give the manifest the SHA-256 of files that it lists, as they are now, if they exist."""
        manifest = self.manifest
        found = {
            name: sha256_of_file(self.place(name))
            for name in names
            if name in manifest.files and self.place(name).is_file()
        }
        self._write_manifest(manifest.with_files({**manifest.files, **found}))

    def _list(self, names: Iterable[str]) -> None:
        """List files that are about to be written; those that are listed keep their SHA-256."""
        names = tuple(names)
        manifest = self.manifest
        new = set(names) - manifest.listed
        for name in names:
            place = self.place(name)
            check_folders(place.parent, below=self.path)
            check_replaceable(place)
            if name in new and os.path.lexists(place):
                raise InputError(
                    f"{place} would be replaced, but naas did not write it ({MANIFEST} does "
                    "not list it): move it away"
                )
        if new or manifest.version == 1:
            known = {name: manifest.files.get(name) for name in manifest.listed}
            self._write_manifest(manifest.with_files({**known, **dict.fromkeys(new)}))

    @contextmanager
    def written_by_program(self, folder: str) -> Iterator[Path]:
        """A folder of the run while a program that naas started writes there.

        At the end the manifest lists the files that are new, without their SHA-256 (`record` adds
        it). It does not list those whose names no entry can have.
        """
        place = self.place(folder)
        check_folders(place, below=self.path)
        theirs = self._files_in(place) - self.manifest.listed
        try:
            yield place
        finally:
            manifest = self.manifest
            kept = {
                name: manifest.files.get(name)
                for name in manifest.listed
                if not name.startswith(f"{folder}/")
            }
            new = dict.fromkeys(self._files_in(place) - theirs)
            self._write_manifest(manifest.with_files({**kept, **new}))

    def _files_in(self, place: Path) -> set[str]:
        names = (
            path.relative_to(self.path).as_posix()
            for path in place.rglob("*")
            if stat.S_ISREG(path.lstat().st_mode)
        )
        return {name for name in names if ENTRY.fullmatch(name)}

    def remove(self, *names: str) -> None:
        """Remove files that naas wrote, those that are there."""
        self._remove(set(names) & self.manifest.listed)

    def _remove(self, names: Iterable[str]) -> None:
        """Remove regular files, then folders that are empty without them, and their names."""
        names = sorted(names)
        for name in names:
            place = self.place(name)
            check_folders(place.parent, below=self.path)
            with suppress(FileNotFoundError):
                if stat.S_ISREG(os.lstat(place).st_mode):
                    place.unlink()
            for folder in place.parents[: len(name.split("/")) - 1]:
                with suppress(OSError):  # not empty
                    folder.rmdir()
        if names:
            self._write_manifest(self.manifest.without(names))

    def _write_manifest(self, manifest: Manifest) -> None:
        write_files(self.path, {MANIFEST: manifest.text})

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = filelock.FileLock(self.path / LOCK, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise InputError(
                f"another naas process is writing to {self.path}; wait until it ends"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _prepare(self, manifest: Manifest, *, resume: bool, force: bool) -> None:
        entries = check_new_run(self.path, resume=resume, force=force)
        remove_unfinished(self.path)
        if entries and resume:
            self._check_same(manifest)
            return
        if entries:
            self._remove(self.manifest.listed)
        self._write_manifest(manifest)

    def _check_same(self, manifest: Manifest) -> None:
        difference = self.manifest.difference(manifest)
        if difference:
            raise InputError(f"--resume can only continue the search that was begun: {difference}")

    def _remove_if_nothing_was_written(self) -> None:
        if {entry.name for entry in self.path.iterdir()} <= {LOCK, MANIFEST}:
            for name in (LOCK, MANIFEST):
                with suppress(OSError):
                    (self.path / name).unlink()
            with suppress(OSError):
                self.path.rmdir()
