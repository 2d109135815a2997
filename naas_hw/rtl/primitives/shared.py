"""One Verilog module for all equal instances of a component.

Amaranth writes one module per *instance*: an array of 256 processing elements would be 256 equal
modules. A shared component says what makes two instances equal (its `parameters`), and leaves to
the platform that writes Verilog whether it is built in place or instantiated.
"""

import inspect
from abc import abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Member


class SharedComponent(wiring.Component):
    """A component of which all instances with equal `parameters` are one Verilog module.

    A subclass defines `parameters` and `build`, never `elaborate`. On a platform that has
    `get_shared` (the Verilog emitter) each instance becomes an instance of the one definition
    for (class, parameters); on any other, the simulator's among them, it is built in place.

    The definition has the clock domain `sync` only, as ports `clk` and `rst`. Its behaviour
    follows from class, parameters and ports alone. What amaranth puts around a component
    (`ResetInserter`, `EnableInserter`) does not reach into it; `DomainRenamer` does.

    Attributes
    ----------
    template : name of a module written by hand in `templates/rtl/<template>.v` that stands for
        `build` in emitted Verilog, with the parameters that `template_parameters` gives; its
        ports are `clk`, and the signature's, whose parts are joined by one `_`. None: the
        definition is made from `build`.
    """

    template: ClassVar[str | None] = None

    def __init__(self, signature: Mapping[str, Member]) -> None:
        super().__init__(dict(signature))

    @property
    @abstractmethod
    def parameters(self) -> tuple[Hashable, ...]:
        """All that distinguishes instances of this class from one another."""

    @property
    def named_parameters(self) -> dict[str, object]:
        """The keyword arguments of `__init__` that the component keeps, by their names.

        They head the module and tell its variants apart; `parameters` decides what is shared.
        """
        arguments = inspect.signature(type(self).__init__).parameters.values()
        return {
            argument.name: getattr(self, argument.name)
            for argument in arguments
            if argument.kind is argument.KEYWORD_ONLY and hasattr(self, argument.name)
        }

    @abstractmethod
    def build(self, platform: Any) -> Module:
        """The component's logic, as `elaborate` would give it."""

    @property
    def template_parameters(self) -> dict[str, int | str]:
        """Verilog parameters of `template`."""
        return {}

    def elaborate(self, platform: Any) -> Any:
        get_shared = getattr(platform, "get_shared", None)
        return self.build(platform) if get_shared is None else get_shared(self)
