"""The parts of compiled code: a search with the default settings compiles nothing else."""

from naas_hw.search import compilation
from naas_hw.search.compilation import ALL_PARTS, SEARCH_PARTS, CodePart, missing_parts


def test_each_part_compiles_its_entries():
    """After its use the machine code of all its entries is on disk."""
    for part in ALL_PARTS:
        part.use()
        assert part.is_compiled, part.name
    assert missing_parts() == ()


def test_a_part_is_missing_as_long_as_one_of_its_entries_is(monkeypatch):
    """So a search that follows finds all of it."""
    monkeypatch.setattr(compilation, "is_on_disk", lambda entry: entry != "absent")
    whole = CodePart(name="whole", entries=("there", "too"), use=lambda: None)
    half = CodePart(name="half", entries=("there", "absent"), use=lambda: None)
    assert missing_parts((whole, half)) == (half,)


def test_the_parts_of_a_search_come_first():
    """The quickstart compiles them only."""
    assert ALL_PARTS[: len(SEARCH_PARTS)] == SEARCH_PARTS
