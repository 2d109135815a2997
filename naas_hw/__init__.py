"""naas_hw: search, generate and validate neural-network accelerators.

The verbs of the command line are functions in `naas_hw.api`, and here. `search` is also the name
of a package, so that verb is `naas_hw.co_search` here, `naas_hw.api.search` there.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from naas_hw.api import (
        Design,
        GeneratedDesign,
        SimulationReport,
        evaluate,
        export,
        find_accelerator,
        find_budget,
        find_network,
        generate,
        import_mappings,
        map,
        read_design,
        simulate,
    )
    from naas_hw.api import search as co_search

__all__ = [
    "Design",
    "GeneratedDesign",
    "SimulationReport",
    "co_search",
    "evaluate",
    "export",
    "find_accelerator",
    "find_budget",
    "find_network",
    "generate",
    "import_mappings",
    "map",
    "read_design",
    "simulate",
]


def __getattr__(name: str) -> object:
    """The verbs, imported when first asked for: `import naas_hw` alone stays fast."""
    if name in __all__:
        return getattr(import_module("naas_hw.api"), "search" if name == "co_search" else name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
