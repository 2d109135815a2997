"""Run naas, NNgen and ChipLeap on the same layers, and write the tables of docs/comparison.md.

python scripts/side_by_side.py                    all steps that have no result yet
python scripts/side_by_side.py --only chipleap    those of one tool
python scripts/side_by_side.py --tables           the tables of the results that are there

Each tool gets an environment of its own below build/side-by-side/, and each result is kept there
as soon as it is known: after Ctrl-C the same command goes on where it was.
"""

import sys

from side_by_side.command import main

if __name__ == "__main__":
    sys.exit(main())
