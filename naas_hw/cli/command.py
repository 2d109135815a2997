"""What every command has in common: a help with examples, and old names of options."""

import inspect
import re
from collections.abc import Mapping
from textwrap import indent
from typing import Any, Final

from rich.markup import escape
from typer.core import TyperCommand, TyperGroup, TyperOption

from naas_hw.cli.choices import TECHNICAL_LIMITS
from naas_hw.cli.panels import OUTPUT
from naas_hw.core.deprecation import warn_renamed

_BELOW_OPTIONS: Final = re.compile(r"^(Examples|Sections)\n-+\n", re.M)
_ITEM: Final = "- "
_END_OF_OPTIONS: Final = "--"


class Command(TyperCommand):
    """A command whose docstring is its help: paragraphs, then lines of examples.

    Paragraphs are as wide as the terminal. "Examples" and "Sections" are shown below the options;
    the lines of examples stay as they are. Limits that are technical are checked, but not shown.
    """

    renamed: Mapping[str, str] = {}
    """Old names of options that still work, and what they are called today."""

    def __init__(self, name: str | None, **settings: Any) -> None:
        super().__init__(name, **settings)
        self.help, self.epilog = _help_and_epilog(self.help)
        for option in self.params:
            if isinstance(option, TyperOption) and option.max in TECHNICAL_LIMITS:
                option.max = None

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        """`--help`, in the last group."""
        return _in_last_group(super().get_help_option(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line, after old names are replaced by today's."""
        return super().parse_args(ctx, _with_new_names(args, self.renamed, ctx.command_path))


class Group(TyperGroup):
    """A command of commands; its help is made like that of a `Command`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.help, self.epilog = _help_and_epilog(self.help)

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        """`--help`, in the last group."""
        return _in_last_group(super().get_help_option(ctx))


def command_with_old_names(renamed: Mapping[str, str]) -> type[Command]:
    """A `Command` some of whose options had other names: old name -> today's."""
    return type("CommandWithOldNames", (Command,), {"renamed": renamed})


def _with_new_names(words: list[str], renamed: Mapping[str, str], command: str) -> list[str]:
    """The same command line with today's names; one warning for each old one."""
    end = words.index(_END_OF_OPTIONS) if _END_OF_OPTIONS in words else len(words)
    return [_with_new_name(word, renamed, command) for word in words[:end]] + words[end:]


def _with_new_name(word: str, renamed: Mapping[str, str], command: str) -> str:
    option, equals, value = word.partition("=")
    if option not in renamed:
        return word
    warn_renamed(f"{command} {option}", renamed[option])
    return renamed[option] + equals + value


def _help_and_epilog(docstring: str | None) -> tuple[str, str | None]:
    """The help, each of its paragraphs one line, and what is shown below the options."""
    text, *below = _BELOW_OPTIONS.split(inspect.cleandoc(docstring or ""))
    paragraphs = [_flowing(paragraph) for paragraph in text.strip().split("\n\n")]
    parts = [_below(title, body) for title, body in zip(below[::2], below[1::2], strict=True)]
    return "\n\n".join(paragraphs), "\n".join(parts) or None


def _below(title: str, body: str) -> str:
    """A titled part below the options; examples keep their lines, other texts flow."""
    lines = indent(body.rstrip(), "  ") if title == "Examples" else _flowing(body.strip())
    return f"\n[bold]{title}[/bold]\n{escape(lines)}"


def _flowing(paragraph: str) -> str:
    """Without line ends, except in front of the items of a list."""
    lines = paragraph.split("\n")
    return lines[0] + "".join(
        ("\n" if line.startswith(_ITEM) else " ") + line.strip() for line in lines[1:]
    )


def _in_last_group(option: TyperOption | None) -> TyperOption | None:
    if option is not None:
        option.rich_help_panel = OUTPUT
    return option
