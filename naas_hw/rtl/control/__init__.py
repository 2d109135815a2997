"""Starts layers and talks to the outside: controller, registers, counters, watchdog, AXI4."""
