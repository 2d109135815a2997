"""Tasks in worker processes, on this machine or on others."""
