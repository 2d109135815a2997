"""The licence line of what naas writes: generated files are the user's, without any condition."""

from typing import Final

OUTPUT_LICENCE: Final = "0BSD"
"""SPDX identifier of the terms under which a user gets the text that naas adds to its output."""

SPDX_LINE: Final = f"SPDX-License-Identifier: {OUTPUT_LICENCE}"
"""What stands in a comment near the beginning of each generated text; docs/licences.md says why."""
