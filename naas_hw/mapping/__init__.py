"""Mappings of layers: their legality, and the sizes that follow from them."""
