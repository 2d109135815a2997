"""Spaces of networks, their accuracy, and the joint search of network and accelerator."""
