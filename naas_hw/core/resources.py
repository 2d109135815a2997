"""The files that are not Python: templates, and what runs inside a simulator.

In a source tree they lie at its top (`templates/`, `sim/`), in an installed wheel inside the
package (`_templates`, `_sim`).
"""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def _folder(installed: str, in_source_tree: str) -> Path:
    for candidate in (_PACKAGE / installed, _PACKAGE.parent / in_source_tree):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(
        f"{installed} must be a folder of the installed package, or {in_source_tree} one of the "
        "source tree: naas_hw is not installed completely"
    )


def template_folder() -> Path:
    """Folder of the jinja2 templates."""
    return _folder("_templates", "templates")


def bench_folder() -> Path:
    """Folder of the cocotb benches and of the Verilog that only a simulator sees."""
    return _folder("_sim", "sim")
