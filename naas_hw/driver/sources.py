"""The driver in C: its sources, with what must be the same on both sides."""

from naas_hw.core.templates import render_template
from naas_hw.core.version import __version__
from naas_hw.driver.file_format import (
    DTYPES,
    FORMAT_VERSION,
    MAX_RANK,
    NO_TENSOR,
    AttributeKind,
    FileSection,
)
from naas_hw.driver.status import TEXTS
from naas_hw.rtl.control.register_map import RANGE_BYTES

FILES = ("naas.h", "naas_internal.h", "naas.c", "naas_operators.c", "example_linux.c")
"""Names of the files; the first is what a caller includes."""


def driver_sources() -> dict[str, str]:
    """File name -> text. They include `naas_registers.h`, which is the accelerator's."""
    facts = {
        "version": __version__,
        "statuses": [(status.name, int(status), text) for status, text in TEXTS.items()],
        "dtypes": DTYPES,
        "format_version": FORMAT_VERSION,
        "max_rank": MAX_RANK,
        "no_tensor": NO_TENSOR,
        "num_sections": len(FileSection),
        "sections": [(section.name, int(section)) for section in FileSection],
        "attribute_kinds": [(kind.name, int(kind)) for kind in AttributeKind],
        "range_bytes": RANGE_BYTES,
    }
    return {name: render_template("driver", f"{name}.j2", **facts) for name in FILES}
