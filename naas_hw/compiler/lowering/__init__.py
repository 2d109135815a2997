"""From a network in integers to calls of the accelerator and of the host, in order."""
