"""A space by its name, or one's own as `module:object`."""

from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.nas.spaces.builtin import load_builtin_space
from naas_hw.nas.spaces.space import Space
from naas_hw.workload.frontends.source import import_object

_MEMBERS: Final = tuple(name for name in vars(Space) if not name.startswith("_"))


def find_space(name: str) -> Space:
    """A built-in space, or the object that `module:object` names: this runs its code.

    Raises
    ------
    InputError : no such space, no such object, or one that is not a space.
    """
    if ":" not in name:
        return load_builtin_space(name)
    space = import_object(name)
    if not isinstance(space, Space):
        lacking = ", ".join(sorted(name for name in _MEMBERS if not hasattr(space, name)))
        raise InputError(
            f"{name} must be a space of networks; {type(space).__name__} has no {lacking}"
        )
    return space
