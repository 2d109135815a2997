"""Search: mappings of a layer, of a network, and the accelerator for them."""

from naas_hw.search.accelerator_encoding import AcceleratorEncoding
from naas_hw.search.accelerator_search import search
from naas_hw.search.baseline import (
    Baseline,
    BaselineKind,
    evaluate_baseline,
    fixed_mapping,
    map_fixed,
)
from naas_hw.search.folded import FoldedResult, map_folded
from naas_hw.search.genes import Encoding
from naas_hw.search.history import CandidateRecord, History
from naas_hw.search.mapping_encoding import MappingEncoding
from naas_hw.search.mapping_search import Choice, MappingResult, Optimiser, map_layer
from naas_hw.search.network_search import MappingSettings, NetworkResult, map_network
from naas_hw.search.objective import Objective
from naas_hw.search.outer_optimisers import OuterOptimiser
from naas_hw.search.processes import worker_processes
from naas_hw.search.search_result import DesignPoint, Front, Progress, SearchResult
from naas_hw.search.search_settings import SearchSettings, settings_digest

__all__ = [
    "AcceleratorEncoding",
    "Baseline",
    "BaselineKind",
    "CandidateRecord",
    "Choice",
    "DesignPoint",
    "Encoding",
    "FoldedResult",
    "Front",
    "History",
    "MappingEncoding",
    "MappingResult",
    "MappingSettings",
    "NetworkResult",
    "Objective",
    "Optimiser",
    "OuterOptimiser",
    "Progress",
    "SearchResult",
    "SearchSettings",
    "evaluate_baseline",
    "fixed_mapping",
    "map_fixed",
    "map_folded",
    "map_layer",
    "map_network",
    "search",
    "settings_digest",
    "worker_processes",
]
