"""Run folders: everything about one design, and what it says."""
