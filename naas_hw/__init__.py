"""naas_hw: search, generate and validate neural-network accelerators.

The commands of naas are functions in `naas_hw.api` and in this package. `search` and `report` are
also names of packages, so here these two are `naas_hw.co_search` and `naas_hw.write_report`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from naas_hw.core.moved import find_moved_modules
from naas_hw.core.version import __version__

find_moved_modules()

if TYPE_CHECKING:
    from naas_hw.api import (
        Design,
        GeneratedDesign,
        JointSettings,
        MappingSettings,
        RunSettings,
        ScoreSettings,
        SearchSettings,
        SimulationReport,
        SimulationSettings,
        evaluate,
        export,
        find_accelerator,
        find_budget,
        find_energy_table,
        find_network,
        generate,
        import_mappings,
        load,
        map,
        read_design,
        score,
        simulate,
    )
    from naas_hw.api import report as write_report
    from naas_hw.api import search as co_search

__all__ = [
    "Design",
    "GeneratedDesign",
    "JointSettings",
    "MappingSettings",
    "RunSettings",
    "ScoreSettings",
    "SearchSettings",
    "SimulationReport",
    "SimulationSettings",
    "__version__",
    "co_search",
    "evaluate",
    "export",
    "find_accelerator",
    "find_budget",
    "find_energy_table",
    "find_network",
    "generate",
    "import_mappings",
    "load",
    "map",
    "read_design",
    "score",
    "simulate",
    "write_report",
]

_NAMES_IN_API = {"co_search": "search", "write_report": "report"}


def __getattr__(name: str) -> object:
    """The verbs, imported when first asked for: `import naas_hw` alone stays fast."""
    if name in __all__:
        return getattr(import_module("naas_hw.api"), _NAMES_IN_API.get(name, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
