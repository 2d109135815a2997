"""Short seeded searches of the six networks: what they find, and the CPU time that they take."""

from typing import Final

from naas_hw.arch.presets import find_preset
from naas_hw.experiments.bench.figures import NETWORK_BUDGETS
from naas_hw.parallel.cpu_time import cpu_seconds
from naas_hw.search.accelerator.search import search
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.objective import Objective
from naas_hw.workload.catalogue import load_builtin

SETTINGS: Final = SearchSettings(
    objective=Objective.EDP,
    population=8,
    generations=3,
    mapping_evaluations=200,
    finalists=2,
    final_effort=4,
    proof_evaluations=5_000,
    seed=0,
)
"""The same in every entry of the history, so that entries can be compared."""

PICOJOULES_IN_A_JOULE: Final = 1e12


def search_figures_of(name: str) -> dict[str, float]:
    """EDP in J cycles and MAC utilisation in per cent of one network, searched in this process."""
    budget = find_preset(NETWORK_BUDGETS[name]).budget
    result = search([load_builtin(name)], budget, SETTINGS)
    (network,) = result.networks
    return {
        f"{name}_edp": network.report.edp / PICOJOULES_IN_A_JOULE,
        f"{name}_utilization": 100 * network.utilization(result.accelerator),
    }


def six_network_figures() -> dict[str, float]:
    """The figures of all six networks, and the CPU seconds of their searches."""
    started = cpu_seconds()
    figures: dict[str, float] = {}
    for name in NETWORK_BUDGETS:
        figures |= search_figures_of(name)
    return {**figures, "search_cpu_seconds": cpu_seconds() - started}
