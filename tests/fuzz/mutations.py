"""Damage to files, by a seeded generator: bytes, numbers, words, lines, tables, archives."""

import io
import random
import re
import sqlite3
import zipfile
from pathlib import Path

NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
WORDS = (
    *(b"", b"0", b"-1", b"1000000000000000000", b"1e999", b".inf", b"NaN", b"0.5", b"null"),
    *(b'""', b"[]", b"{}", b"[[[[[[[[", b"!!bool maybe", b"&a", b"*a", b"\x1b[31m", b"\xff"),
    *(b"0x" + b"f" * 3600, b"9" * 5000, b"'\xe2\x80\xae'", b"---\n", b"- ", b": ", b"? ", b"\t"),
    *(b"\x00", b"true"),
)
CELLS = (None, -1, 10**12, 2**63 - 1, 1e308, float("inf"), "", "text", "[]", "[1e999]", b"\x00\xff")


def mutate(content: bytes, draw: random.Random) -> bytes:
    """A few kinds of damage, one after the other."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = draw.choice(KINDS)(content, draw)
    return content


def flip(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 3, 20))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def cut(content: bytes, draw: random.Random) -> bytes:
    first, end = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    return content[:first] if draw.random() < 0.3 else content[:first] + content[end:]


def double(content: bytes, draw: random.Random) -> bytes:
    first, end = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    return content[:end] + content[first:end] * draw.choice((1, 1, 50)) + content[end:]


def insert(content: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(content) + 1)
    return content[:place] + draw.choice(WORDS) + content[place:]


def change_number(content: bytes, draw: random.Random) -> bytes:
    found = list(NUMBER.finditer(content))
    if not found:
        return insert(content, draw)
    where = draw.choice(found)
    return content[: where.start()] + draw.choice(WORDS) + content[where.end() :]


def swap_lines(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    draw.shuffle(lines) if draw.random() < 0.2 else None
    if len(lines) > 1:
        del lines[draw.randrange(len(lines))]
    return b"".join(lines)


KINDS = (flip, cut, double, insert, change_number, change_number, swap_lines)


def mutate_table(content: bytes, draw: random.Random) -> bytes:
    """An SQLite file, damaged as a file or as a database."""
    if draw.random() < 0.5:
        return flip(content, draw) if draw.random() < 0.8 else mutate(content, draw)
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(content)
        connection.execute("PRAGMA writable_schema = ON")
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master "
                                                         "WHERE type = 'table'")]  # fmt: skip
        table = draw.choice(tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = draw.choice(columns)
        statement, values = draw.choice(
            (
                (f"DROP TABLE {table}", ()),
                (f"DELETE FROM {table}", ()),
                (f"ALTER TABLE {table} RENAME COLUMN {column} TO other", ()),
                (f"DELETE FROM {table} WHERE rowid % 2", ()),
                *[(f"UPDATE OR IGNORE {table} SET {column} = ?", (draw.choice(CELLS),))] * 4,
                *[(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = "
                   f"(SELECT max(rowid) FROM {table})", (draw.choice(CELLS),))] * 4,
            )
        )  # fmt: skip
        connection.execute(statement, values)
        connection.commit()
        return bytes(connection.serialize())
    except sqlite3.Error:
        return flip(content, draw)
    finally:
        connection.close()


def mutate_archive(content: bytes, draw: random.Random) -> bytes:
    """A .pt2 file, damaged as an archive or in its graph."""
    if draw.random() < 0.4:
        return mutate(content, draw)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = next(iter(entries))
    entries[name] = mutate(entries[name], draw)
    packed = io.BytesIO()
    method = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(packed, "w", method) as archive:
        for entry, text in entries.items():
            archive.writestr(entry, text)
    data = packed.getvalue()
    return flip(data, draw) if draw.random() < 0.3 else data


def reduced(content: bytes, fails, *, attempts: int = 60) -> bytes:
    """A part of the file that fails in the same way: pieces are left out while it does."""
    size = len(content) // 2
    while size and attempts:
        for first in range(0, len(content), size):
            attempts -= 1
            smaller = content[:first] + content[first + size :]
            if attempts <= 0:
                return content
            if fails(smaller):
                content = smaller
                break
        else:
            size //= 2
    return content


def mutation_of(path: Path):
    """The way to damage a file of this kind."""
    return {".sqlite": mutate_table, ".pt2": mutate_archive}.get(path.suffix, mutate)
