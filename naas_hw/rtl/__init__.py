"""The hardware in Amaranth, one component a file."""
