"""What naas does to the machine it runs on: files, temporary folders, processes, text shown."""
