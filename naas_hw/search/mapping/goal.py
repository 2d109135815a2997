"""What a search of mappings minimises, as compiled code has it."""

from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.cost.compiled.batch import prices_of
from naas_hw.search.mapping.pool import Goal
from naas_hw.search.objective import Objective

_WEIGHTS: Final = {
    Objective.EDP: (0.0, 0.0),
    Objective.LATENCY: (1.0, 0.0),
    Objective.ENERGY: (0.0, 1.0),
}


def goal_of(accelerator: Accelerator, objective: Objective, table: EnergyTable) -> Goal:
    """The goal of an objective."""
    return Goal(prices_of(accelerator, table), *_WEIGHTS[objective])


def is_product(goal: Goal) -> bool:
    """Whether cycles are multiplied with energy."""
    return goal.per_cycle == 0.0 and goal.per_pj == 0.0
