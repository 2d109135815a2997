"""Simulates layers and networks on the RTL, in Icarus or Verilator, and compares with the model."""
