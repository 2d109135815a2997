"""Memories of the accelerator: the global buffer, scales, tables."""
