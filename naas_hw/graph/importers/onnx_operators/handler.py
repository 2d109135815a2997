"""What all tables of operators hold."""

from collections.abc import Callable

from naas_hw.graph.importers.onnx_node import Node

Handler = Callable[[Node], None]
"""Adds what a node becomes to the node's graph."""
