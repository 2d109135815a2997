"""Spaces of networks: what the third level of the search chooses from."""
