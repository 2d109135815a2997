"""Packages that users import and that have moved: their old names work for one minor release."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

from naas_hw.core.deprecation import warn_renamed

MOVED: Final = {
    "naas_hw.accuracy": "naas_hw.nas.accuracy",
    "naas_hw.errors": "naas_hw.core.errors",
    "naas_hw.joint": "naas_hw.nas.joint",
    "naas_hw.spaces": "naas_hw.nas.spaces",
}
"""Old name -> new name of a package or module, with all that lies in it."""


def new_name(name: str) -> str | None:
    """What a module is called now; None of one that has not moved.

    Examples
    --------
    >>> new_name("naas_hw.spaces.genes")
    'naas_hw.nas.spaces.genes'
    >>> new_name("naas_hw.search") is None
    True
    """
    for old, new in MOVED.items():
        if name == old or name.startswith(f"{old}."):
            return new + name.removeprefix(old)
    return None


class _NewModule(Loader):
    """Gives the module of the new name, which exists once, whatever it is imported as."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self.module = import_module(self.name)
        self.spec = self.module.__spec__
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has put that of the old name there


class _MovedFinder(MetaPathFinder):
    """Finds modules by their old names, and warns of each."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = new_name(fullname)
        if name is None:
            return None
        warn_renamed(fullname, name, stacklevel=2)
        return ModuleSpec(fullname, _NewModule(name), is_package=True)


def find_moved_modules() -> None:
    """Let old names be imported; does nothing the second time."""
    if not any(isinstance(finder, _MovedFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _MovedFinder())
