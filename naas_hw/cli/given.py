"""Options that were typed, and those that must not be typed together."""

from collections.abc import Sequence

import typer

from naas_hw.core.errors import InputError

_TYPED = "COMMANDLINE"


def refuse_given(context: typer.Context, names: Sequence[str], rule: str) -> None:
    """Refuse options that were typed, instead of ignoring them.

    Parameters
    ----------
    context : of the running command.
    names : of the command's parameters.
    rule : when they must not be given, as `without --joint`.

    Raises
    ------
    InputError : one of them was typed.
    """
    words = {option.name: max(option.opts, key=len) for option in context.command.params}
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == _TYPED:
            raise InputError(f"{words[name]} must not be given {rule}")
