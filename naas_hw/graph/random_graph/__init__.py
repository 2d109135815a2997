"""Random networks in integers: small ones in which every operator meets every other.

The same seed gives the same network. What a network has of interest is named by `bins_of`, so that
a run of many seeds can say what it has covered.
"""

from naas_hw.graph.random_graph.bins import bins_of
from naas_hw.graph.random_graph.generation import random_graph
from naas_hw.graph.random_graph.inputs import random_inputs

__all__ = ["bins_of", "random_graph", "random_inputs"]
