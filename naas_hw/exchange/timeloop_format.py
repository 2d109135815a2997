"""What the files of Timeloop share: versions, names, and how values become YAML text.

Sources: NVlabs/timeloop v3.0.3, `src/mapping/parser.cpp` (directives, factors with remainders, the
rule of their product), timeloop.csail.mit.edu (permutations run from the inside); v0.4 as in
Accelergy-Project/timeloopfe, `timeloopfe/v4/` (nodes, underscores, lists of factors).
"""

from enum import StrEnum
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.tag import Tag

from naas_hw.workload.layer import Dim


class Version(StrEnum):
    """Version of the input files."""

    V03 = "v0.3"
    V04 = "v0.4"

    @property
    def number(self) -> float:
        """As it stands in a file."""
        return float(self.removeprefix("v"))


DRAM: Final = "DRAM"
GLOBAL_BUFFER: Final = "GlobalBuffer"
PE_BUFFER: Final = "PEBuffer"
PE: Final = "PE"
MAC: Final = "mac"

DIMS: Final[tuple[Dim, ...]] = ("R", "S", "P", "Q", "C", "K")
"""Dims of a convolution, in the order in which the files list them."""

BATCH: Final = "N"
GROUP: Final = "G"

_TAG: Final = "!"
_NO_WRAP: Final = 1 << 20


def tagged(tag: str, node: dict[str, Any]) -> dict[str, Any]:
    """`node` as a YAML mapping with a tag (`!Component`)."""
    return {_TAG: tag, **node}


def quoted(text: str) -> str:
    """Text in double quotes: timeloopfe takes what has none for a name or a formula."""
    marked: str = DoubleQuotedScalarString(text)
    return marked


def yaml_text(data: dict[str, Any], comments: tuple[str, ...] = ()) -> str:
    """Plain values as YAML in block style, below lines of comments; the same gives the same."""
    yaml = YAML()
    yaml.width = _NO_WRAP
    stream = StringIO()
    yaml.dump(_node(data), stream)
    return "".join(f"# {line}\n" for line in comments) + stream.getvalue()


def _node(data: Any) -> Any:
    if isinstance(data, dict):
        node = CommentedMap((key, _node(value)) for key, value in data.items() if key != _TAG)
        if _TAG in data:
            node.yaml_set_ctag(Tag(suffix=data[_TAG]))
        return node
    if isinstance(data, list | tuple):
        return CommentedSeq(_node(value) for value in data)
    return data
