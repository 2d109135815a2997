"""naas_hw: search, generate and validate neural-network accelerators."""

__version__ = "0.1.0"
