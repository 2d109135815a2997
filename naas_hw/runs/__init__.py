"""Run folders: the files of one design, how they are written and how they are read."""
