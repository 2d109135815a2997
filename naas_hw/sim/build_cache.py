"""Finished builds, kept under a digest of everything that went into them.

An entry is a folder, built aside and renamed, so that it is whole or absent; a lock per entry
makes a second process wait for the first one's build instead of doing it again. The entries used
longest ago go first when the cache grows over its limit.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import platformdirs
from filelock import FileLock, Timeout

from naas_hw.core.errors import InputError

CACHE_VARIABLE: Final = "NAAS_CACHE_DIR"
DEFAULT_LIMIT_BYTES: Final = 4 << 30
_PARTIAL: Final = ".partial"
_OURS: Final = re.compile(r"[0-9a-f]{64}(\.partial)?")
"""Names of entries, and of those that are being built: nothing else in the folder is touched."""


def default_cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """NAAS_CACHE_DIR, or the user's cache folder of this system."""
    named = environment.get(CACHE_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("naas_hw"))


def build_digest(parts: Mapping[str, str]) -> str:
    """Digest of named texts, independent of their order.

    Examples
    --------
    >>> build_digest({"a": "1", "b": "2"}) == build_digest({"b": "2", "a": "1"})
    True
    >>> build_digest({"a": "1b2"}) == build_digest({"a": "1", "b": "2"})
    False
    """
    digest = sha256()
    for name in sorted(parts):
        for text in (name, parts[name]):
            data = text.encode()
            digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class BuildCache:
    """A folder of finished builds.

    Parameters
    ----------
    folder : is created when first needed.
    limit_bytes : what the entries may take together; the newest one stays whatever its size.
    """

    folder: Path
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    def __post_init__(self) -> None:
        if self.limit_bytes < 0:
            raise ValueError(f"limit_bytes must be at least 0, not {self.limit_bytes}")

    def fetch(self, digest: str, build: Callable[[Path], None], into: Path) -> bool:
        """Put the files of an entry into the folder `into`; call `build(folder)` if there is none.

        Returns whether it was there. What `build` raises is passed on, and leaves no entry.
        """
        with self._locked(digest):
            entry = self._entry(digest)
            exists = entry.is_dir()
            if not exists:
                self._build(digest, build)
            os.utime(entry)
            for file in entry.iterdir():
                _link_or_copy(file, into / file.name)
        if not exists:
            self._shrink(keep=digest)
        return exists

    def entries(self) -> tuple[str, ...]:
        """Digests of all finished builds, the one used longest ago first."""
        if not self.folder.is_dir():
            return ()
        folders = [path for path in self._ours() if path.suffix != _PARTIAL]
        return tuple(path.name for path in sorted(folders, key=_last_use))

    def _ours(self) -> Iterator[Path]:
        """The folders that the cache has made; no link is one."""
        for path in self.folder.iterdir():
            if _OURS.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                yield path

    def _entry(self, digest: str) -> Path:
        return self.folder / digest

    @contextmanager
    def _locked(self, digest: str, timeout: float = -1) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the build cache {str(self.folder)!r} cannot be written: {error.strerror} "
                f"({CACHE_VARIABLE} names another folder)"
            ) from error
        with FileLock(self.folder / f"{digest}.lock", timeout=timeout):
            yield

    def _build(self, digest: str, build: Callable[[Path], None]) -> None:
        # Only the holder of the lock comes here: what lies there is of a process that was killed.
        partial = self.folder / f"{digest}{_PARTIAL}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            build(partial)
            partial.rename(self._entry(digest))
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _shrink(self, keep: str) -> None:
        self._remove_unfinished()
        sizes = {digest: _size_bytes(self._entry(digest)) for digest in self.entries()}
        total = sum(sizes.values())
        for digest, size in sizes.items():
            if total <= self.limit_bytes:
                return
            if digest != keep and self._remove(digest):
                total -= size

    def _remove_unfinished(self) -> None:
        """Remove what builds that were killed have left, where nobody builds the same just now."""
        for partial in [path for path in self._ours() if path.suffix == _PARTIAL]:
            with suppress(Timeout), self._locked(partial.stem, timeout=0):
                shutil.rmtree(partial, ignore_errors=True)

    def _remove(self, digest: str) -> bool:
        """Remove an entry unless somebody uses it just now."""
        try:
            with self._locked(digest, timeout=0):
                # Renamed first: a half-removed entry must not look whole after a kill.
                partial = self.folder / f"{digest}{_PARTIAL}"
                shutil.rmtree(partial, ignore_errors=True)
                self._entry(digest).rename(partial)
                shutil.rmtree(partial, ignore_errors=True)
        except (Timeout, FileNotFoundError):
            return False
        return True


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def _last_use(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except FileNotFoundError:  # removed by another process meanwhile
        return 0.0, path.name


def _size_bytes(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except FileNotFoundError:
        return 0
