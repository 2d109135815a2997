# amaranth: UnusedElaboratable=no
"""The emitted Verilog of 128 PEs can be read: names of the source, short lines, few choices."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from naas_hw.arch.files import read_accelerator
from naas_hw.emit.names import RESERVED
from naas_hw.emit.platform import VerilogPlatform
from naas_hw.emit.verilog import convert_design
from naas_hw.rtl.accelerator import AcceleratorTop
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.sim.hardware import generate

pytestmark = pytest.mark.takes_seconds

DESIGN = Path(__file__).parent / "accelerator_128.yaml"

MAX_ANONYMOUS_SHARE = 0.10
MAX_COLUMNS = 120
MAX_CHOICES = 3
MAX_ARRAY_LINES = 2700

DECLARATION = re.compile(
    r"^ +(?:output |input )?(?:reg|wire) (?:signed )?(?:\[\d+:0\] )?"
    r"(\w+)(?: = [^;,]*| \[[^;]*\])?[;,]?$",
    re.M,
)


@cache
def sources() -> Mapping[str, str]:
    """The emitted files, without those written by hand."""
    files = generate(read_accelerator(DESIGN)).sources
    return {
        name: text
        for name, text in files.items()
        if name not in ("naas_ram.v", "naas_shared_ram.v")
    }


@cache
def names_of_the_source() -> frozenset[str]:
    r"""Names of signals, ports, fields and memories, as the netlists of Amaranth hold them.

    Amaranth names every signal of the source by a `\name`, with `$` and a number where two are
    equal; a wire without a name of its own is `$` and a number. Fields are `signal.field`.
    """
    top = AcceleratorTop(read_accelerator(DESIGN), digest=1)
    text = convert_design(top, "naas_accelerator", VerilogPlatform())
    found = re.findall(r"^  (?:wire|memory) .*?\\(\S+)$", text, re.M)
    found += re.findall(r"^    connect \\(\S+) ", text, re.M)
    return frozenset(
        re.sub(r"\W", "_", re.sub(r"\$\d+|\[\d+\]", "", name)).strip("_") for name in found
    )


def declared_names(text: str) -> list[str]:
    """What a module declares."""
    return DECLARATION.findall(text)


def is_of_the_source(name: str) -> bool:
    """Whether a name is one of the source.

    It may have a number that keeps equal names apart, an underscore behind a word that Verilog
    has taken, or an instance before the name of its port.
    """
    stems = {name, re.sub(r"_\d+$", "", name), name.rstrip("_")}
    stems |= {stem.partition("__")[2] for stem in stems}
    return any(stem and stem.strip("_") in names_of_the_source() for stem in stems)


def nested_choices(expression: str) -> int:
    """How many `?:` are nested at most: each stands in the last branch, or in brackets."""
    deepest, open_ones = 0, [0]
    for letter in expression:
        if letter in "([{":
            open_ones.append(0)
        elif letter in ")]}":
            open_ones.pop()
        elif letter == ",":
            open_ones[-1] = 0
        elif letter == "?":
            open_ones[-1] += 1
            deepest = max(deepest, sum(open_ones))
    return deepest


def expressions(text: str) -> Iterator[str]:
    """Statements of a module's body, each as one line."""
    for statement in text.partition("\n);\n")[2].split(";"):
        yield " ".join(statement.split())


def below(module: str, files: Mapping[str, str]) -> set[str]:
    """A module and all that it contains."""
    found = {module}
    for child in re.findall(r"^  (naas_\w+) ", files[f"{module}.v"], re.M):
        if f"{child}.v" in files:
            found |= below(child, files)
    return found


def test_nearly_all_declarations_have_a_name_of_the_source() -> None:
    names = [name for text in sources().values() for name in declared_names(text)]
    assert len(names) > 1000
    anonymous = [name for name in names if not is_of_the_source(name)]
    assert len(anonymous) <= MAX_ANONYMOUS_SHARE * len(names), anonymous


def test_a_name_that_the_source_has_not_is_seen() -> None:
    assert is_of_the_source("opens_tile") and is_of_the_source("nest__last")
    assert not is_of_the_source("_012_") and not is_of_the_source("level_minus_1")
    assert declared_names("  wire _012_;\n  reg signed [3:0] a = 4'd0;\n  reg b [0:3];\n") == [
        "_012_",
        "a",
        "b",
    ]


def test_no_name_is_a_number_of_amaranth() -> None:
    assert not re.findall(r"_signal(?:_\d+)?\b|\\|\$\d", "".join(sources().values()))


def test_no_line_is_long() -> None:
    long = [line for text in sources().values() for line in text.splitlines()]
    assert max(map(len, long)) <= MAX_COLUMNS


def test_no_block_is_empty() -> None:
    assert not [name for name, text in sources().items() if re.search(r"\bbegin\s+end\b", text)]


def test_choices_are_not_nested_deeply() -> None:
    deepest = max(nested_choices(e) for text in sources().values() for e in expressions(text))
    assert 1 <= deepest <= MAX_CHOICES


@pytest.mark.parametrize(
    ("expression", "depth"),
    [
        ("a", 0),
        ("a ? b : c", 1),
        ("a ? b : (c ? d : e) + (f ? g : h)", 2),
        ("{a ? b : c, d ? e : f}", 1),
    ],
)
def test_nested_choices_are_counted(expression: str, depth: int) -> None:
    assert nested_choices(expression) == depth


def test_the_array_is_short() -> None:
    """The array of 128 PEs and every module in it, together."""
    lines = sum(sources()[f"{name}.v"].count("\n") for name in below("naas_pe_array", sources()))
    assert 500 < lines <= MAX_ARRAY_LINES


def test_a_header_says_what_a_module_is_and_its_parameters() -> None:
    queues = {name: text for name, text in sources().items() if name.startswith("naas_queue")}
    assert len(queues) > 1
    for name, text in queues.items():
        assert f"// {(Queue.__doc__ or '').splitlines()[0]}\n" in text
        ((width, depth),) = re.findall(r"naas_queue_w(\d+)_d(\d+)_r\d+\.v", name)
        assert re.search(rf"^// shape = {width}(?: bits)?, depth = {depth}, ", text, re.M)


def test_no_reserved_word_is_a_name() -> None:
    names = {name for text in sources().values() for name in declared_names(text)}
    assert not names & RESERVED
