"""The inner search: mappings of layers and of networks on one accelerator."""
