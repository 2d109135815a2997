"""The cost model as machine code: derived numbers, counts, lower bound, exact cycles.

The rules are those of the readable modules. Nothing here reads a global that could change, because
the cache of compiled code would not notice: constants of time are part of the problem record. The
functions are called through `naas_hw.cost.compiled.single`.
"""
