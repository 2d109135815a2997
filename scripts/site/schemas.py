"""The fields of a kind of file as tables, from its JSON Schema."""

import json
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from docstrings import SECTION, parameters_of

from naas_hw.cli.schema import schema_text

Schema = dict[str, Any]

LIMITS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
}
"""Keyword of JSON Schema -> what it says of a value."""

NAME: Final = "letters, digits, `_`, `.` and `-`"
HEAD: Final = "| field | type | default | meaning |\n|---|---|---|---|"


def fields_markdown(kind: str) -> str:
    """A table of the fields of a file, and one for each record inside of it."""
    document = json.loads(schema_text(kind))
    records = {
        name: record
        for name, record in document.get("$defs", {}).items()
        if record.get("type") == "object"
    }
    parts = [_table(document, document, kind)]
    for name, record in sorted(records.items()):
        heading = f"### `{name}` {{ #{_anchor(kind, name)} }}"
        parts += [heading, _summary(record), _table(record, document, kind)]
    return "\n\n".join(part for part in parts if part)


def _anchor(kind: str, record: str) -> str:
    return f"{kind}-{record.lower()}"


def _summary(record: Schema) -> str:
    """The first paragraphs of a description, without its sections."""
    return SECTION.sub("", record.get("description", "")).split("\n\nNotes\n")[0].strip()


def _table(record: Schema, document: Schema, kind: str) -> str:
    """A row for each field; neighbours that differ by their names only share one."""
    texts = parameters_of(record.get("description", ""))
    required = record.get("required", [])
    rows = [
        (
            f"`{name}`",
            f"{_type(field, document, kind)} | {_default(field, name in required)} "
            f"| {_meaning(field, texts.get(name, ''))}",
        )
        for name, field in record.get("properties", {}).items()
    ]
    grouped = groupby(rows, key=itemgetter(1))
    lines = [f"| {', '.join(name for name, _ in group)} | {rest} |" for rest, group in grouped]
    return "\n".join([HEAD, *lines])


def _type(field: Schema, document: Schema, kind: str) -> str:
    """What a value is, with links to records."""
    if "$ref" in field:
        return _reference(field["$ref"].rsplit("/", 1)[1], document, kind)
    if "anyOf" in field:
        return " or ".join(_type(one, document, kind) for one in field["anyOf"])
    if "enum" in field or "const" in field:
        return _choices(field.get("enum", [field.get("const")]))
    if "prefixItems" in field:
        return "[" + ", ".join(_type(one, document, kind) for one in field["prefixItems"]) + "]"
    if field.get("type") == "array":
        return f"list of {_type(field['items'], document, kind)}"
    if "patternProperties" in field:
        (inside,) = field["patternProperties"].values()
        return f"map from names to {_type(inside, document, kind)}"
    return str(field.get("type", "any value"))


def _reference(name: str, document: Schema, kind: str) -> str:
    record = document["$defs"][name]
    if "enum" in record:
        return _choices(record["enum"])
    return f"[`{name}`](#{_anchor(kind, name)})"


def _choices(values: list[Any]) -> str:
    return " or ".join(f"`{value}`" for value in values)


def _default(field: Schema, is_required: bool) -> str:
    if is_required:
        return "required"
    default = field.get("default", "")
    if isinstance(default, dict) or default == "":
        return "see below" if isinstance(default, dict) else "follows"
    return f"`{json.dumps(default)}`"


def _meaning(field: Schema, text: str) -> str:
    parts = [text.rstrip("."), _limits(field), NAME if "pattern" in field else ""]
    return "; ".join(part for part in parts if part)


def _limits(field: Schema) -> str:
    if "prefixItems" in field or "const" in field:  # the type says it
        return ""
    if "minimum" in field and field["minimum"] == field.get("maximum"):
        return f"always {field['minimum']}"
    if "minItems" in field and field["minItems"] == field.get("maxItems"):
        return f"{field['minItems']} of them"
    return ", ".join(
        words.format(f"{field[key]:,}") for key, words in LIMITS.items() if key in field
    )
