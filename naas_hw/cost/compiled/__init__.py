"""The cost model as machine code: derived numbers, counts, lower bound, recurrence.

The same rules as in the readable modules, one mapping after the other, a file a concept. Nothing
here reads a global that could change (the cache of compiled code would not see it): constants of
time come in with the problem. Called through `naas_hw.cost.compiled.single`.
"""
