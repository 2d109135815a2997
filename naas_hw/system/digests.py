"""SHA-256 of files, to see later whether they were edited."""

import hashlib
from pathlib import Path


def sha256_of(content: str | bytes) -> str:
    """SHA-256 of a file with this content, in hexadecimal; text is UTF-8."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
