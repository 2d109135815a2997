"""Whatever damage a file has: one sentence, status 2, within time and memory."""

import os
import random
from pathlib import Path

import pytest
from driver import Reader, fuzz, names_of

NUM_SHORT = 100
NUM_LONG = 5000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def damage(num: int, folder: Path) -> None:
    seed = int(os.environ.get("NAAS_FUZZ_SEED", random.SystemRandom().randrange(2**32)))
    print(f"NAAS_FUZZ_SEED={seed}")
    outcome = fuzz(num, seed, folder)
    assert outcome.failures == []
    statuses = {status for _, status in outcome.statuses}
    assert statuses >= {0, 2}  # some damage does no harm


@pytest.mark.takes_seconds
def test_damaged_files_are_refused_in_one_sentence(folder):
    damage(NUM_SHORT, folder)


@pytest.mark.slow
def test_many_damaged_files_are_refused_in_one_sentence(folder):
    damage(NUM_LONG, folder)


@pytest.mark.takes_seconds
def test_whole_files_are_read(folder):
    """Else the tests above would find nothing."""
    reader = Reader(folder)
    try:
        reader.start()
        whole = folder / "whole"
        for name in names_of(whole):
            problem, found = reader.read(name, (whole / name).read_bytes())
            assert (problem, found["status"]) == (None, 0), (name, found)
    finally:
        reader.stop()
