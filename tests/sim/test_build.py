"""What cannot be compiled is refused before anything is written."""

from typing import Any

import pytest
from copier_build import copier

from naas_hw.core.errors import InputError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beat_bytes": 12}, "beat_bytes must be 4, 8, 16 or 32, not 12"),
        ({"num_l2": 0}, "num_events and num_l2 must be at least 1, not 3 and 0"),
        ({"sources": {}}, "sources must have at least one file, not 0"),
        ({"sources": {"../x.v": ""}}, "a source must be a Verilog file of its own name"),
        ({"sources": {"naas_dram.v": ""}}, "a source must be a Verilog file of its own name"),
        ({"optimize": "-O9"}, "optimize must be one of"),
    ],
)
def test_wrong_builds_are_refused(changes: dict[str, Any], message: str) -> None:
    """Each with the rule and the value."""
    with pytest.raises(InputError, match=message):
        copier(**changes)
