"""Designs as files of other cost models, and such files read back."""
