"""What the site is made of besides pages: docstrings, schemas, files of the repository."""

import docstrings
import griffe
import repository
import schemas

DOCSTRING = """A memory.

Parameters
----------
dut : the module; prefix : of the ports.
latency, period : see above,
    and below.

Raises
------
InputError where the file is missing.
ToolError : a tool is missing.

Notes
-----
Nothing : of this.
"""


def test_parameters_have_their_texts_also_those_that_share_one():
    assert docstrings.parameters_of(DOCSTRING) == {
        "dut": "the module",
        "prefix": "of the ports.",
        "latency": "see above, and below.",
        "period": "see above, and below.",
    }


def test_griffe_reads_names_and_texts_of_sections_and_leaves_notes_alone():
    text = docstrings.with_numpy_items(DOCSTRING, {})
    assert text.endswith("Nothing : of this.\n")
    sections = griffe.Docstring(text).parse("numpy", warnings=False)
    found = {
        section.kind.value: [(item.name, item.description) for item in section.value]
        for section in sections
        if section.kind is griffe.DocstringSectionKind.parameters
    }
    assert found == {"parameters": list(docstrings.parameters_of(DOCSTRING).items())}
    assert "InputError\n    where the file is missing." in text


def test_links_out_of_the_documents_go_to_copies_and_pages():
    text = "[a](../LICENSE) [b](other.md#x) [c](../CONTRIBUTING.md#run-tests) [d](https://x.org/y)"
    assert repository.rewrite_links(text, "index.md") == (
        "[a](repository/LICENSE.txt) [b](other.md#x) [c](contributing.md#run-tests) "
        "[d](https://x.org/y)"
    )
    assert repository.rewrite_links("[a](../../LICENSE)", "tutorials/a.md") == (
        "[a](../repository/LICENSE.txt)"
    )


def test_a_link_to_a_file_that_is_not_there_is_left_to_be_found():
    assert repository.rewrite_links("[a](../gone.txt)", "index.md") == "[a](../gone.txt)"


def test_pages_beside_the_documents_link_into_them():
    text = repository.page_markdown("CONTRIBUTING.md")
    assert "](overview.md)" in text
    assert "](docs/" not in text


def test_fields_say_type_default_limits_and_meaning():
    rows = schemas.fields_markdown("budget").splitlines()
    assert (
        "| `dram_latency_cycles` | integer | `50` | from an address to its first beat; "
        "at least 1, at most 1,000 |" in rows
    )
    assert any(row.startswith("| `max_pes` | integer | required | ") for row in rows)


def test_fields_that_differ_by_their_names_only_share_a_row():
    rows = schemas.fields_markdown("network").splitlines()
    assert any(row.startswith("| `C`, `P`, `Q`, `R`, `S` | integer | `1` | ") for row in rows)
