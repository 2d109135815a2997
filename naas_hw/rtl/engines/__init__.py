"""The five engines: load, fill, compute, drain, store."""
