"""The commands of naas as functions: they take and return values, and can write a run folder.

Settings objects hold the options. They are frozen, and are checked when they are created.

network = naas_hw.find_network("mobilenet_v2")
settings = naas_hw.SearchSettings(generations=10)
result = naas_hw.co_search([network], naas_hw.find_budget("eyeriss"), settings, run="run")
naas_hw.generate("run")
icarus = naas_hw.SimulationSettings(simulator="icarus")
assert naas_hw.simulate("run", icarus, layers=["classifier.1"]).ok
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from naas_hw.api.bounds import ProvenBounds, proven_bounds
from naas_hw.api.designs import (
    Design,
    evaluate,
    find_network,
    find_networks,
    read_design,
    run_table,
)
from naas_hw.api.files import export, import_mappings
from naas_hw.api.hardware import SimulationReport, generate, report, simulate, simulation_json
from naas_hw.api.scores import score, score_figures
from naas_hw.api.searches import SEARCH_PACKAGES, map, search, search_jointly
from naas_hw.api.settings import (
    BuildSettings,
    RunSettings,
    ScoreSettings,
    SimulationSettings,
    Workers,
)
from naas_hw.arch.boards import find_board
from naas_hw.arch.devices import find_part
from naas_hw.arch.files import find_accelerator, find_budget, find_energy_table
from naas_hw.emit.package import GeneratedDesign
from naas_hw.nas.joint.settings import JointSettings
from naas_hw.runs.result_json import joint_figures, layer_figures, network_figures, search_figures
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.network_search import MappingSettings

if TYPE_CHECKING:
    from naas_hw.api.builds import build
    from naas_hw.api.loaded import load
    from naas_hw.api.models import NetworkRequest
    from naas_hw.api.quantisation import QuantisationReport, quantise
    from naas_hw.api.verification import VerifySettings, verify
    from naas_hw.graph.quantise.settings import QuantiseSettings

__all__ = [
    "SEARCH_PACKAGES",
    "BuildSettings",
    "Design",
    "GeneratedDesign",
    "JointSettings",
    "MappingSettings",
    "NetworkRequest",
    "ProvenBounds",
    "QuantisationReport",
    "QuantiseSettings",
    "RunSettings",
    "ScoreSettings",
    "SearchSettings",
    "SimulationReport",
    "SimulationSettings",
    "VerifySettings",
    "Workers",
    "build",
    "evaluate",
    "export",
    "find_accelerator",
    "find_board",
    "find_budget",
    "find_energy_table",
    "find_network",
    "find_networks",
    "find_part",
    "generate",
    "import_mappings",
    "joint_figures",
    "layer_figures",
    "load",
    "map",
    "network_figures",
    "proven_bounds",
    "quantise",
    "read_design",
    "report",
    "run_table",
    "score",
    "score_figures",
    "search",
    "search_figures",
    "search_jointly",
    "simulate",
    "simulation_json",
    "verify",
]

_MODULES: Final = {
    "NetworkRequest": "naas_hw.api.models",
    "Quickstart": "naas_hw.api.quickstart",
    "build": "naas_hw.api.builds",
    "load": "naas_hw.api.loaded",
    "QuantisationReport": "naas_hw.api.quantisation",
    "QuantiseSettings": "naas_hw.graph.quantise.settings",
    "VerifySettings": "naas_hw.api.verification",
    "quantise": "naas_hw.api.quantisation",
    "quickstart": "naas_hw.api.quickstart",
    "verify": "naas_hw.api.verification",
}


def __getattr__(name: str) -> object:
    """The verbs that need much else, imported when first asked for."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
