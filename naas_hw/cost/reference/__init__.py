"""The cost model in its readable form: pieces of work, their times, accesses."""
