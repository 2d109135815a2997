"""The outer search: accelerators within a budget."""
