"""The event model: the engines cycle by cycle, with labels in place of data."""
