"""A section is written under its command, replaces its former self, and leaves the others alone."""

import os

import pytest

from naas_hw.core.errors import InputError
from naas_hw.experiments.results import HEAD, TITLES, with_section, write_section


def test_a_section_stands_under_its_title_and_its_command():
    text = with_section("", "edp", "naas reproduce edp", "Body.")
    assert text.startswith(HEAD)
    title, command, body = (
        text.index(part)
        for part in (f"## {TITLES['edp']}", "```\nnaas reproduce edp\n```", "Body.")
    )
    assert title < command < body


def test_the_order_is_that_of_the_titles_whichever_was_written_first():
    one = with_section(with_section("", "edp", "a", "A."), "utilization", "b", "B.")
    other = with_section(with_section("", "utilization", "b", "B."), "edp", "a", "A.")
    assert one == other


def test_a_section_is_replaced_and_the_others_and_the_head_stay():
    text = with_section("# Mine\n\nWords.\n", "edp", "a", "Old.")
    text = with_section(text, "utilization", "b", "Stays.")
    assert with_section(text, "edp", "a", "New.") == text.replace("Old.", "New.")
    assert text.startswith("# Mine\n\nWords.\n")


def test_a_conclusion_below_the_mark_stays_when_the_data_are_replaced():
    text = with_section(with_section("", "edp", "a", "Old."), "utilization", "b", "Other.")
    written = text.replace("<!-- end edp -->\n", "<!-- end edp -->\n\nA conclusion.\n")
    assert with_section(written, "edp", "a", "New.") == written.replace("Old.", "New.")
    assert with_section(written, "utilization", "b", "New.") == written.replace("Other.", "New.")


def test_what_is_no_text_is_refused_and_left(tmp_path):
    path = tmp_path / "results.md"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        write_section(path, "edp", "a", "A.")
    assert path.read_bytes() == b"\xff\xfe"


def test_a_document_that_is_no_regular_file_is_refused_before_it_is_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")  # which has no writer: whoever reads it waits for ever
    with pytest.raises(InputError, match="must be a regular file or not exist, not a FIFO"):
        write_section(tmp_path / "fifo", "speedup", "naas", "text")
