"""What of an accelerator can be built alone."""

from enum import StrEnum


class BuildPart(StrEnum):
    """A part of an accelerator that can be built alone, to see what it takes and how fast it is.

    Members
    -------
    ARRAY : PEs, their buffers, trees and accumulators.
    """

    ARRAY = "array"
