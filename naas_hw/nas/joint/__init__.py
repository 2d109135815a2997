"""The joint search: a network of a space, with its accelerator and its mappings."""
