"""The verbs of the command line as functions: values in, values out, a run folder where wanted.

network = naas_hw.find_network("mobilenet_v2")
found = naas_hw.co_search([network], naas_hw.find_budget("eyeriss"), run="run")
naas_hw.generate("run")
assert naas_hw.simulate("run", simulator="icarus", layers=["classifier.1"]).ok
"""

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
from naas_hw.arch.files import find_accelerator, find_budget, find_energy_table
from naas_hw.emit.package import GeneratedDesign
from naas_hw.runs.figures import joint_figures, layer_figures, network_figures, search_figures

__all__ = [
    "SEARCH_PACKAGES",
    "Design",
    "GeneratedDesign",
    "ProvenBounds",
    "SimulationReport",
    "evaluate",
    "export",
    "find_accelerator",
    "find_budget",
    "find_energy_table",
    "find_network",
    "find_networks",
    "generate",
    "import_mappings",
    "joint_figures",
    "layer_figures",
    "map",
    "network_figures",
    "proven_bounds",
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
]
