"""Reads files of trained models into a `Graph`."""
