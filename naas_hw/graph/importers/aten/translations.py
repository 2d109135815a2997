"""All kinds of operators of torch that have a translation."""

from typing import Final

from naas_hw.graph.importers.aten import (
    choices,
    constants,
    convolutions,
    functions,
    layout,
    normalisations,
    pools,
    products,
    quantisation,
)
from naas_hw.graph.importers.aten.call import Translation

TRANSLATIONS: Final[dict[str, Translation]] = {
    **choices.TRANSLATIONS,
    **constants.TRANSLATIONS,
    **convolutions.TRANSLATIONS,
    **functions.TRANSLATIONS,
    **layout.TRANSLATIONS,
    **normalisations.TRANSLATIONS,
    **pools.TRANSLATIONS,
    **products.TRANSLATIONS,
    **quantisation.TRANSLATIONS,
}
"""Kind -> function that adds operators to a graph and gives the result, or a list of results."""

VIEWS: Final = frozenset(
    "alias chunk contiguous detach dropout expand expand_as flatten getitem moveaxis movedim "
    "narrow permute reshape select slice split split_with_sizes squeeze swapaxes t to transpose "
    "unbind unflatten unsqueeze view view_as".split()
)
"""Kinds whose result may share its numbers with their input."""
