"""Exports designs as files of other cost models, and imports such files."""
