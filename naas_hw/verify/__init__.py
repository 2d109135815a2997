"""Random verification: random triples, corrupted descriptors, coverage, reduction of failures."""
