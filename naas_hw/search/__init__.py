"""Search: mappings of a layer, of a network, and the accelerator for them."""

from naas_hw.search.accelerator.baseline import (
    Baseline,
    BaselineKind,
    evaluate_baseline,
    fixed_mapping,
    map_fixed,
)
from naas_hw.search.accelerator.encoding import AcceleratorEncoding
from naas_hw.search.accelerator.folded import FoldedResult, map_folded
from naas_hw.search.accelerator.history import History
from naas_hw.search.accelerator.history_rows import CandidateRecord
from naas_hw.search.accelerator.optimisers import OuterOptimiser
from naas_hw.search.accelerator.result import DesignPoint, Front, Progress, SearchResult
from naas_hw.search.accelerator.search import search
from naas_hw.search.accelerator.settings import SearchSettings, settings_digest
from naas_hw.search.mapping.encoding import MappingEncoding
from naas_hw.search.mapping.layer_search import Choice, MappingResult, Optimiser, map_layer
from naas_hw.search.mapping.network_search import MappingSettings, NetworkResult, map_network
from naas_hw.search.mapping.robust import DramTiming, map_robustly
from naas_hw.search.objective import Objective
from naas_hw.search.processes import worker_processes
from naas_hw.search.unit_interval import Encoding

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
    "DramTiming",
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
    "map_robustly",
    "search",
    "settings_digest",
    "worker_processes",
]
