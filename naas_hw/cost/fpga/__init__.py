"""What an accelerator takes of an ECP5, and how fast its clock is, predicted without synthesis.

Multipliers and block memories follow from the accelerator alone (`multipliers`, `memories`,
`block_memories`). LUTs, flip-flops and clock are fitted to designs that were built (`data/`).
"""
