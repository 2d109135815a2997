"""naas, NNgen and ChipLeap on the same layers: measured, kept, and written as tables."""
