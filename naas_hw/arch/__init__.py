"""Accelerators, budgets, presets; constants of time; energy and area tables; FPGA parts."""
