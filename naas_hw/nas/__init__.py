"""Searching the network too: spaces of networks, their accuracy, the joint search."""
