"""The machine under naas: files, temporary folders, programs that it starts, text it shows."""
