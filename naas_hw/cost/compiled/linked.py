"""Kernels that become machine code only as a part of the entries that call them.

Numba makes machine code of every compiled function, and optimises it together with all that it
calls: in a chain of calls the innermost function is optimised once for each link. A `Kernel` is
lowered to LLVM's form and left there. The entry that calls it takes it in, optimises everything in
one go, and makes machine code once.

This uses parts of numba that are not documented, so pyproject.toml bounds its version, and
`tests/cost/compiled/test_linked.py` says what has to hold of a newer one.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from numba import njit
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher


class _LinkedLibrary(JITCodeLibrary):  # type: ignore[misc]
    """LLVM's form of a function and of those that it calls, neither optimised nor machine code."""

    def finalize(self) -> None:
        """Take in what is called; the entry does the rest."""
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True


class _LinkedCompiler(Compiler):  # type: ignore[misc]
    """Compiles up to LLVM's form."""

    def __init__(
        self,
        typingctx: Any,
        targetctx: Any,
        library: Any,
        args: Any,
        return_type: Any,
        flags: Any,
        locals: Any,
    ) -> None:
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        library = library or _LinkedLibrary(targetctx.codegen(), "kernel")
        super().__init__(typingctx, targetctx, library, args, return_type, flags, locals)

    def compile_extra(self, func: Any) -> Any:
        """The result, known to callers under a key in place of a function of C."""
        result = super().compile_extra(func)
        key = object()
        self.state.targetctx.insert_user_function(key, result.fndesc, [result.library])
        return result._replace(entry_point=key)


class Kernel(CPUDispatcher):  # type: ignore[misc]
    """A function that compiled code calls. A call from Python compiles it by itself.

    Parameters
    ----------
    py_func : the function.
    options : of `numba.njit`.
    """

    def __init__(self, py_func: Callable[..., Any], options: dict[str, Any]) -> None:
        super().__init__(
            py_func, targetoptions={**options, "nopython": True}, pipeline_class=_LinkedCompiler
        )
        self._options = options

    def add_overload(self, cres: Any) -> None:
        """Keep a result for callers; there is no machine code that Python could call."""
        self.overloads[tuple(cres.signature.args)] = cres

    def __call__(self, *arguments: Any) -> Any:
        """Call it from Python, as tests do."""
        return self._alone(*arguments)

    @cached_property
    def _alone(self) -> Any:
        return njit(**self._options)(self.py_func)
