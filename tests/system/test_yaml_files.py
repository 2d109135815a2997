"""The YAML edge: pure data in, one sentence out for whatever is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from naas_hw.core.errors import InputError
from naas_hw.system.yaml_files import MAX_FILE_BYTES, dump_yaml, parse_yaml, read_yaml, validate
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = 1.0
    sizes: tuple[int, ...] = ()
    names: dict[str, str] = {}


def test_reads_plain_data(tmp_path):
    """A YAML file becomes dicts, lists and scalars."""
    path = tmp_path / "a.yaml"
    path.write_text("a: [1, 2.5, yes, true, null]\nb: {c: text}\n")
    assert read_yaml(path) == {"a": [1, 2.5, "yes", True, None], "b": {"c": "text"}}


def test_two_anchors_of_one_name_that_nothing_refers_to_do_no_harm():
    assert parse_yaml("a: &x 1\nb: &x [2]", "f") == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: {c: 1, c: 2}", "f: line 2: keys must differ, not 'c' twice"),
        ("a: &x [1]\nb: *x", "f: line 2: must have no aliases, not *x"),
        ("a: [1\nb: 2", "f: line 2: must be valid YAML: "),
        ("\ta: 1", "f: line 1: must be valid YAML: found character '\\t'"),
        ("a: 1\n---\nb: 2", "f: line 2: must be valid YAML: but found another"),
        (
            "!!python/object:os.system {}",
            "f: line 1: must have no tags, not tag:yaml.org",
        ),
        ("a: " + "[" * 1000, "f: must be nested less deeply"),
        ("a: " + "9" * 5000, "f: must be pure data: Exceeds the limit"),
        ("a: \x00", "f: must be valid YAML: unacceptable character"),
        ("a:\n  - !!bool maybe", "f: line 2: must have no tags, not tag:yaml.org,2002:bool"),
        ("! a: 1", "f: line 1: must have no tags, not !"),
    ],
)
def test_malformed_text_is_one_sentence(text, sentence):
    """Whatever is no pure YAML is named with its place, in one line."""
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f")
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_unreadable_file_is_named(tmp_path):
    """Missing, a folder, not UTF-8, too large, no path at all: each says which rule it breaks."""
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: \xff")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    cases = {
        tmp_path: "must be a regular file, not a folder",
        latin: "must be UTF-8, not byte 3 of it",
        large: f"must have at most {MAX_FILE_BYTES} bytes, not {MAX_FILE_BYTES + 1}",
    }
    for path, rule in cases.items():
        with pytest.raises(InputError) as caught:
            read_yaml(path)
        assert str(caught.value) == f"{path}: {rule}"
    with pytest.raises(InputError, match="cannot read .*none.yaml: no such file or directory"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="must be a path: .*embedded null"):
        read_yaml("a\0b")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"share": "1"}, "f: share must be a number, not '1'"),
        ({"sizes": [1, True]}, "f: sizes[1] must be an integer, not True"),
        ({"sizes": [1, 2.5]}, "f: sizes[1] must be an integer, not 2.5"),
        ({"sizes": 5}, "f: sizes must be a list, not 5"),
        ({"names": {"a": 1}}, "f: names.a must be a string, not 1"),
        ({"other": 1}, "f: other is not a known field"),
        ({"sizes": [b"x"]}, "f: sizes[0] must be a string or a number, not b'x'"),
        ({(1, 2): 1}, "f: a key must be a string, not (1, 2)"),
        (None, "f: must be a mapping, not None"),
        ([1], "f: must be a mapping, not [1]"),
    ],
)
def test_validate_names_place_rule_and_value(data, sentence):
    """A wrong value is one sentence: source, place, rule, "not", value."""
    with pytest.raises(InputError) as caught:
        validate(Part, data, "f")
    assert str(caught.value) == sentence


def test_long_values_are_cut():
    """A sentence stays readable whatever the value."""
    with pytest.raises(InputError) as caught:
        validate(Part, {"sizes": ["x" * 10_000]}, "f")
    assert len(str(caught.value)) < 150


def test_an_integer_is_a_number():
    """A float field takes an integer."""
    assert validate(Part, {"share": 2}, "f").share == 2.0


names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,20}", fullmatch=True)


@settings(deadline=None)
@given(name=names, layer_name=names)
def test_any_name_survives_the_round_trip(name, layer_name):
    """Names that look like numbers, booleans or null are quoted, and come back as they were."""
    network = Network(name=name, layers=(Layer(name=layer_name, K=1, height=1, width=1),))
    assert validate(Network, parse_yaml(dump_yaml(network), "f"), "f") == network


def test_a_small_mapping_is_one_line():
    """A table has one line an entry, whatever its width, and every field in order."""
    layer = Layer(name="a" * 100, K=1, height=1, width=1)
    lines = dump_yaml(Network(name="n", layers=(layer, layer.renamed("b")))).splitlines()
    assert len([line for line in lines if line.startswith("  - {name: ")]) == 2
    assert lines[:3] == ["version: 1", "name: n", "layers:"]
