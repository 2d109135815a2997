"""The operating system: files, temporary folders, programs that naas starts, printed text."""
