"""`naas doctor` and `naas schema` say the same to a person and to a program."""

import json
from pathlib import Path

import jschon
import pytest

from naas_hw.cli import main
from naas_hw.cli.doctor import tools_json, tools_table
from naas_hw.cli.schema import SCHEMAS, schema_text
from naas_hw.core.errors import InputError
from naas_hw.system.tools import TOOL_NAMES, Tool

FOUND = Tool(
    name="perl", version="5.36", path=Path("/usr/bin/perl"), enables="a", how_to_get="get perl"
)
MISSING = Tool(name="lz4.h", version=None, path=None, enables="b", how_to_get="get [bold]lz4")


def test_doctor_lists_every_tool(capsys):
    assert main(["doctor", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["tools"]
    assert [tool["name"] for tool in listed] == list(TOOL_NAMES)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in TOOL_NAMES)


def test_doctor_json_says_what_is_missing():
    answer = json.loads(tools_json((FOUND, MISSING)))
    assert answer["ok"] is False
    assert [tool["found"] for tool in answer["tools"]] == [True, False]
    assert answer["tools"][0]["path"] == "/usr/bin/perl"
    assert json.loads(tools_json((FOUND,)))["ok"] is True


def test_doctor_table_says_how_to_get_what_is_missing():
    cells = [str(cell) for column in tools_table((FOUND, MISSING)).columns for cell in column.cells]
    assert "missing: get [bold]lz4" in cells
    assert "/usr/bin/perl" in cells


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_json_schema_2020_12(name):
    jschon.create_catalog("2020-12")
    schema = jschon.JSONSchema(json.loads(schema_text(name)))
    assert schema.validate().valid


def test_schema_of_the_network_knows_its_rules():
    jschon.create_catalog("2020-12")
    schema = jschon.JSONSchema(json.loads(schema_text("network")))
    layer = {"name": "a", "K": 4, "C": 3, "height": 1, "width": 1}
    good = {"name": "n", "layers": [layer]}
    assert schema.evaluate(jschon.JSON(good)).valid
    for bad in (
        {"name": "n", "layers": []},
        {"name": "n", "layers": [layer | {"K": 0}]},
        good | {"colour": "red"},
    ):
        assert not schema.evaluate(jschon.JSON(bad)).valid


def test_an_unknown_schema_is_bad_input(capsys):
    with pytest.raises(InputError, match="schema must be one of .*network.*, not 'netwrok'"):
        schema_text("netwrok")
    assert main(["schema", "netwrok"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
