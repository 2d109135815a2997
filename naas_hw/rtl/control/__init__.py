"""The controller, the registers that software sees, counters and the watchdog."""
