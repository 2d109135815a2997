"""How fast the tool is on this machine: ratios measured in one run."""
