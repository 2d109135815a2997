"""Work in other processes, here and on other machines; knows nothing of what the work is."""
