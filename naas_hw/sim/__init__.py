"""Layers and networks on the RTL, in Icarus or Verilator, compared with the model."""
