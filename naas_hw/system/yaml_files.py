"""The edge to YAML files: text in, checked values out, one sentence for whatever is wrong.

Files are pure data: the safe loader, no aliases (a few lines of them can stand for gigabytes), no
tags, no key twice. Every error is an `InputError` that names the file, the place in it, the rule
and the value.
"""

import json
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from naas_hw.core.errors import InputError
from naas_hw.system.files import read_file
from naas_hw.system.text import MAX_SHOWN, one_line, printable, shown

Model = TypeVar("Model", bound=BaseModel)

MAX_FILE_BYTES: Final = 1024 * 1024
"""A megabyte takes 15 seconds to parse at most, and is a network of 10,000 layers."""

_NO_WRAP: Final = 1 << 20
_MAX_BITS: Final = 1024
_MAX_LINE: Final = 2 * MAX_SHOWN
_WORDS: Final = {
    "a valid ": "a ",
    "a integer": "an integer",
    "a array": "a list",
    "an object": "a mapping",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "String with": "text with",
}


# ---------------------------------------------------------------------------------------- reading


def read_yaml(path: str | Path) -> object:
    """The content of a YAML file as plain dicts, lists and scalars.

    Raises
    ------
    InputError : the file cannot be read, is not UTF-8, is not YAML, or is more than pure data.
    """
    return parse_yaml(_read_text(Path(path)), str(path))


def parse_yaml(content: str, source: str) -> object:
    """The content of a YAML text; `source` names it in errors."""
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"{source}: must have at most {MAX_FILE_BYTES} bytes")
    try:
        return _safe_yaml().load(content)
    except _ImpureDataError as refused:
        raise InputError(f"{source}: {refused}") from refused
    except DuplicateKeyError as error:
        raise InputError(f"{source}{_line(error)}: {_duplicate_key(error)}") from error
    except MarkedYAMLError as error:
        problem = one_line(error.problem or error.context or "malformed", _MAX_LINE)
        text = f"{source}{_line(error)}: must be valid YAML: {problem}"
        raise InputError(text) from error
    except YAMLError as error:
        raise InputError(
            f"{source}: must be valid YAML: {one_line(str(error), _MAX_LINE)}"
        ) from error
    except RecursionError as error:
        raise InputError(f"{source}: must be nested less deeply") from error
    except Exception as error:  # the parser stumbles over some text in its own ways
        name = "" if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: "
        raise InputError(
            f"{source}: must be pure data: {one_line(f'{name}{error}', _MAX_LINE)}"
        ) from error


class _ImpureDataError(Exception):
    """Something that YAML allows and that is more than pure data."""


class _PlainComposer(Composer):
    """Refuses aliases and tags, at the line where they stand."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            name = printable(str(event.anchor))
            raise _ImpureDataError(f"line {line}: must have no aliases, not *{name}")
        if getattr(event, "ctag", None) is not None and event.ctag.trval is not None:
            tag = printable(str(event.ctag.trval))
            raise _ImpureDataError(f"line {line}: must have no tags, not {tag}")
        event.anchor = None  # nothing may refer to it, so two of one name do no harm
        return super().compose_node(parent, index)


def _safe_yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _PlainComposer
    yaml.allow_duplicate_keys = False
    return yaml


def _read_text(path: Path) -> str:
    content = read_file(path, max_bytes=MAX_FILE_BYTES)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: must be UTF-8, not byte {error.start} of it") from error


def _line(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return "" if mark is None else f": line {mark.line + 1}"


def _duplicate_key(error: DuplicateKeyError) -> str:
    """The text of ruamel begins: found duplicate key "K" with value ..."""
    text = str(error.problem)
    key = text.split('"')[1] if text.count('"') >= 2 else text
    return f"keys must differ, not {shown(key)} twice"


# --------------------------------------------------------------------------------------- checking


def validate(model_class: type[Model], data: object, source: str) -> Model:
    """`data` as a `model_class`, checked strictly: no text for a number, no boolean for a size.

    Raises
    ------
    InputError : one sentence about the first thing that is wrong: `source`, the place (as in
        `layers[3].K`), the rule, the value.
    """
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        reason = _not_plain(data) or f"must be plain data: {one_line(str(error), _MAX_LINE)}"
        raise InputError(f"{source}: {reason}") from error
    try:
        return model_class.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError(f"{source}: {validation_sentence(error)}") from error


def validation_sentence(error: ValidationError) -> str:
    """The first problem of a `ValidationError`: place, rule, "not", value."""
    first = error.errors(include_url=False)[0]
    place = _place(first["loc"])
    kind = first["type"]
    if kind == "missing":
        return f"{place} must be given"
    if kind == "extra_forbidden":
        return f"{place} is not a known field"
    if kind == "value_error":
        return f"{place}: {first['ctx']['error']}" if place else str(first["ctx"]["error"])
    if kind == "invalid_key":
        return f"{place}: a key must be a string"
    rule = rule_of(first["msg"])
    if ", not " not in rule:
        rule += f", not {shown(first['input'])}"
    return f"{place} {rule}".strip()


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{one_line(part, _MAX_LINE)}" if text else one_line(part, _MAX_LINE)
    return text


def rule_of(message: str) -> str:
    """Turn "Input should be a valid integer, unable to ..." into "must be an integer"."""
    _, separator, rule = message.partition(" should ")
    if not separator:
        return f"is wrong: {message}"
    rule = rule.split(", unable to")[0].split(", got ")[0].replace(" after validation", "")
    for theirs, ours in _WORDS.items():
        rule = rule.replace(theirs, ours)
    return f"must {rule}"


def _not_plain(data: object, place: str = "") -> str:
    """Where in `data` something is that JSON cannot say."""
    if isinstance(data, dict):
        for key, value in data.items():
            if not isinstance(key, str | int | float | bool | None):
                return f"{place + ': ' if place else ''}a key must be a string, not {shown(key)}"
            name = one_line(key, _MAX_LINE) if isinstance(key, str) else shown(key)
            if place_inside := _not_plain(value, f"{place}.{name}" if place else name):
                return place_inside
        return ""
    if isinstance(data, list | tuple):
        texts = (_not_plain(value, f"{place}[{index}]") for index, value in enumerate(data))
        return next((text for text in texts if text), "")
    if isinstance(data, int) and data.bit_length() > _MAX_BITS:
        return f"{place} must be a number that a file can need, not {shown(data)}".strip()
    if isinstance(data, float) and not isfinite(data):
        return f"{place} must be a finite number, not {data}".strip()
    if data is None or isinstance(data, str | int | float | bool):
        return ""
    return f"{place} must be a string or a number, not {shown(data)}".strip()


# ---------------------------------------------------------------------------------------- writing


def dump_yaml(model: BaseModel) -> str:
    """A value as YAML text: every field, in the order of the class, one line per small mapping."""
    yaml = YAML()
    yaml.width = _NO_WRAP
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(_styled(model.model_dump(mode="json"), top=True), stream)
    return stream.getvalue()


def _styled(data: Any, top: bool = False) -> Any:
    """`data` with each collection that holds at most flat lists set on one line."""
    if isinstance(data, dict):
        node: Any = CommentedMap((key, _styled(value)) for key, value in data.items())
        children = list(data.values())
    elif isinstance(data, list):
        node = CommentedSeq(_styled(value) for value in data)
        children = data
    else:
        return data
    if not top and (not children or all(_depth(child) <= 1 for child in children)):
        flat = isinstance(data, dict) or all(_depth(child) == 0 for child in children)
        if flat:
            node.fa.set_flow_style()
    return node


def _depth(data: object) -> int:
    if isinstance(data, dict):
        return 1 + max((_depth(value) for value in data.values()), default=0)
    if isinstance(data, list):
        return 1 + max((_depth(value) for value in data), default=0)
    return 0
