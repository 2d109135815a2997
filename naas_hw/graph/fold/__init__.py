"""Makes a graph smaller without changing what it computes."""
