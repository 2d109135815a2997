"""What the layers of a space cost on one accelerator: each is searched when it is first needed."""

from collections.abc import Iterable
from concurrent.futures import Executor
from math import inf

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.nas.spaces.table import ABSENT, LayerCounts
from naas_hw.search.accelerator.layer_store import LayerStore
from naas_hw.search.mapping.layer_search import MappingResult
from naas_hw.search.mapping.network_search import MappingSettings, anonymous, submit_layers
from naas_hw.workload.layer import Layer


class LayerCosts:
    """The best mappings of a table of layers on one accelerator, found once each.

    Parameters
    ----------
    layers : of a space; networks name them by index.
    executor : where layers are searched; this process if None. The result is the same.
    store : what is known before, and gets what is found.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        accelerator: Accelerator,
        settings: MappingSettings,
        executor: Executor | None = None,
        store: LayerStore | None = None,
    ) -> None:
        self.layers, self.accelerator, self.settings = layers, accelerator, settings
        self.executor, self.store = executor, store
        self.results: dict[int, MappingResult | None] = {}
        self._cycles = np.zeros(len(layers))
        self._energy_pj = np.zeros(len(layers))

    def scores(self, networks: LayerCounts) -> NDArray[np.float64]:
        """[B] the objective of the sums over each network's layers.

        It is infinite where a layer has no legal mapping.
        Each layer has the mapping that is best for it alone.
        """
        self._search(np.unique(networks.indices[networks.indices != ABSENT]).tolist())
        cycles, energy = networks.total(self._cycles), networks.total(self._energy_pj)
        return np.array(self.settings.objective.score(cycles, energy))

    def results_of(self, networks: LayerCounts) -> dict[Layer, MappingResult]:
        """The results of the layers of networks, by the layer without its name."""
        wanted = np.unique(networks.indices[networks.indices != ABSENT]).tolist()
        self._search(wanted)
        results = ((index, self.results[index]) for index in wanted)
        return {anonymous(self.layers[i]): result for i, result in results if result is not None}

    def _search(self, indices: Iterable[int]) -> None:
        new = [index for index in indices if index not in self.results]
        if self.store is not None:
            known = self.store.known(self.accelerator, [self.layers[index] for index in new])
            for place, result in known.items():
                self._keep(new[place], result)
            new = [index for place, index in enumerate(new) if place not in known]
        layers = [self.layers[index] for index in new]
        pending = submit_layers(self.executor, self.accelerator, layers, self.settings)
        results = [wait() for wait in pending]
        for index, result in zip(new, results, strict=True):
            self._keep(index, result)
        if self.store is not None and new:
            self.store.add(self.accelerator, zip(layers, results, strict=True))

    def _keep(self, index: int, result: MappingResult | None) -> None:
        self.results[index] = result
        self._cycles[index] = inf if result is None else result.best.cycles
        self._energy_pj[index] = inf if result is None else result.best.energy_pj
