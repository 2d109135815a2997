"""Candidates that are worth mapping: what an optimiser asks for, and what is ruled out of it."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga.limits import violations
from naas_hw.search.accelerator.candidates import Evaluator
from naas_hw.search.accelerator.encoding import AcceleratorEncoding
from naas_hw.search.accelerator.optimisers import outer_strategy
from naas_hw.search.accelerator.rejections import Rejections
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.accelerator.warm_start import given_start, warm_start
from naas_hw.search.mapping.feasibility import why_none_found
from naas_hw.search.unit_interval import Genes
from naas_hw.workload.network import needed_options

MAX_INVALID: Final = 2000
"""Candidates that are ruled out in a row before the budget counts as too small."""

MAX_POSSIBLE: Final = 100
"""Of those, how many may be possible but known or pruned; then one is taken as it is."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A valid candidate, the point it was decoded from, and what was ruled out before."""

    point: Genes
    accelerator: Accelerator
    rejections: Rejections

    @property
    def num_invalid(self) -> int:
        """How many were ruled out before."""
        return self.rejections.total

    @property
    def num_pruned(self) -> int:
        """Of them, those that a lower bound ruled out."""
        return self.rejections.pruned


class Proposals:
    """Draws generations: in the space of the settings, within the budget, by their optimiser."""

    def __init__(self, evaluator: Evaluator, settings: SearchSettings) -> None:
        self.evaluator, self.settings = evaluator, settings
        self.encoding = AcceleratorEncoding(
            budget=evaluator.budget,
            encoding=settings.encoding,
            fixed_dims=settings.fixed_dims,
            drain_lanes=settings.drain_lanes,
            options=needed_options(evaluator.layers),
        )
        rng = np.random.default_rng([settings.seed, 0])
        self.strategy = outer_strategy(
            settings.optimiser, self.encoding.start, settings.num_drawn, rng
        )

    def draw_first(self) -> list[Proposal]:
        """The first generation: designs that are given, classic arrays, then points anywhere."""
        settings = self.settings
        if not (settings.start or settings.warm_start):
            return self.draw((), inf)
        seeds = given_start(self.encoding, settings.start)
        if settings.warm_start:
            seeds += warm_start(self.encoding, self.evaluator.bounds, settings.objective)
        rng = np.random.default_rng([self.settings.seed, 1])

        def ask(num: int) -> list[Genes]:
            return list(rng.random((num, self.encoding.num_genes)))

        points = [point for point, accelerator in seeds if self.evaluator.is_mappable(accelerator)]
        points = points[: self.settings.num_drawn]
        return self._proposals([*points, *ask(self.settings.num_drawn - len(points))], ask, (), inf)

    def draw(self, known: Container[Accelerator], best_score: float) -> list[Proposal]:
        """A generation; what is known, or cannot be better than the best, is avoided."""
        points = self.strategy.ask(self.settings.num_drawn)
        return self._proposals(points, self.strategy.ask, known, best_score)

    def tell(self, proposals: list[Proposal], scores: list[float]) -> None:
        """What the candidates of a generation are worth."""
        self.strategy.tell([proposal.point for proposal in proposals], scores)

    def _proposals(
        self,
        points: list[Genes],
        ask: Callable[[int], list[Genes]],
        known: Container[Accelerator],
        best_score: float,
    ) -> list[Proposal]:
        proposals: list[Proposal] = []
        taken: set[Accelerator] = set()
        for point in points:
            proposal = self._valid(point, ask, (known, taken), best_score)
            proposals.append(proposal)
            taken.add(proposal.accelerator)
        return proposals

    def _valid(
        self,
        first: Genes,
        ask: Callable[[int], list[Genes]],
        known: tuple[Container[Accelerator], ...],
        best_score: float,
    ) -> Proposal:
        """The point, or the first good one of those asked for instead of it."""
        num_pruned = num_known = num_over = 0
        refused: Accelerator | None = None
        broken: list[str] = []
        for num_invalid in range(MAX_INVALID):
            point = ask(1)[0] if num_invalid else first
            accelerator = self.encoding.decode(point)
            broken = violations(self.evaluator.budget, accelerator)
            if broken:
                num_over += 1
                continue
            if num_pruned + num_known < MAX_POSSIBLE:
                if any(accelerator in container for container in known):
                    num_known += 1
                    continue
                if self.evaluator.lower_bound(accelerator) >= best_score:
                    num_pruned += 1
                    continue
            if self.evaluator.is_mappable(accelerator):
                return Proposal(
                    point=point,
                    accelerator=accelerator,
                    rejections=Rejections(
                        over_budget=num_over,
                        known=num_known,
                        pruned=num_pruned,
                        without_room=num_invalid - num_over - num_known - num_pruned,
                    ),
                )
            refused = accelerator
        raise InputError(
            f"budget {self.evaluator.budget.name} may be too small: none of {MAX_INVALID} "
            "accelerators in a row had a mapping of every "
            f"layer{self._example(refused, broken)}"
        )

    def _example(self, accelerator: Accelerator | None, broken: list[str]) -> str:
        """What one accelerator that fits the budget had no room for, or why none fits, in words."""
        if accelerator is None and broken:
            return f"; of the last one, {broken[0]}"
        layer = None if accelerator is None else self.evaluator.first_without_room(accelerator)
        if accelerator is None or layer is None:
            return ""
        reason = why_none_found(accelerator, layer)
        return f"; the last one, {accelerator.array_text}, had none for {layer.name}: {reason}"
