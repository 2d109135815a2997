"""The third level: the network of a space is searched with its accelerator and mappings."""
