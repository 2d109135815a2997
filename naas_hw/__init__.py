"""naas_hw: search, generate and validate neural-network accelerators."""
