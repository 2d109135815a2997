"""Options that were typed, and those that must not be typed together."""

from collections.abc import Sequence

import click
from click.core import ParameterSource

from naas_hw.errors import InputError


def refuse_given(names: Sequence[str], rule: str) -> None:
    """Refuse options of the running command that were typed, instead of ignoring them.

    Parameters
    ----------
    names : of the command's parameters.
    rule : when they must not be given, as `without --joint`.

    Raises
    ------
    InputError : one of them was typed.
    """
    context = click.get_current_context()
    words = {parameter.name: parameter.opts[-1] for parameter in context.command.params}
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise InputError(f"{words[name]} must not be given {rule}")
