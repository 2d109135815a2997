"""All rules that make a graph smaller, applied until nothing changes."""

from collections.abc import Callable
from typing import Final

from naas_hw.graph.fold.affine import fold_batch_norm, fold_factors
from naas_hw.graph.fold.constants import fold_constants, fold_layout_of_weights
from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.fold.functions import fold_bounds, fold_functions
from naas_hw.graph.fold.identities import (
    fold_duplicates,
    fold_flat_transposes,
    fold_identities,
    fold_layouts,
)
from naas_hw.graph.fold.normalisation import fold_layer_norm
from naas_hw.graph.fold.padding import fold_padding
from naas_hw.graph.fold.pooling import fold_reductions
from naas_hw.graph.fold.quantised_layout import fold_quantised_layout, fold_requantisation
from naas_hw.graph.graph import Graph

Rule = Callable[[GraphEditor], None]

RULES: Final[tuple[Rule, ...]] = (
    fold_constants,
    fold_layout_of_weights,
    fold_identities,
    fold_duplicates,
    fold_flat_transposes,
    fold_layouts,
    fold_bounds,
    fold_functions,
    fold_layer_norm,
    fold_quantised_layout,
    fold_requantisation,
    fold_batch_norm,
    fold_factors,
    fold_padding,
    fold_reductions,
)

_MAX_ROUNDS: Final = 100
"""Each round follows all chains, so that real graphs need four or five."""


def folded(graph: Graph) -> Graph:
    """The same function with fewer operators.

    Operators of constants are computed. Batch normalisation and constants that are added to a
    layer or multiplied with it go into its weights. Functions that are spelled out get their names,
    and padding goes into the layer behind it. Operators on bytes become operators on real numbers.
    Operators that change nothing go. The graph's `folded` lists all operators that are gone.
    """
    editor = GraphEditor(graph)
    for _ in range(_MAX_ROUNDS):
        changes = editor.num_changes
        for rule in RULES:
            rule(editor)
            editor.remove_dead()
        if changes == editor.num_changes:
            break
    return editor.finished()
