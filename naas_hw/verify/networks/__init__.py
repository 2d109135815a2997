"""Random networks on random designs, run on the RTL beside the integer reference."""
