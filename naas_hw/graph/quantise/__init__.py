"""Quantises a float graph with calibration data."""
