"""Memories with one write port and one read port, and the global buffer."""
