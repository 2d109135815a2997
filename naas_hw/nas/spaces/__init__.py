"""Spaces of networks: the sets from which the joint search chooses a network."""
