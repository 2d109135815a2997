"""Random verification: triples at random, corrupted descriptors, coverage, reduction."""
