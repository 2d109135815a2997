"""The tables of docs/results.md: one file measures an experiment and makes its section."""
