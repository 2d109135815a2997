"""The extension of griffe by which API pages get the sections of docstrings right."""

import sys
from pathlib import Path
from typing import Any, Final

import griffe

sys.path.insert(0, str(Path(__file__).parent))
from docstrings import with_numpy_items

MEMBERS: Final = {"Members": "Attributes"}
FIELDS: Final = MEMBERS | {"Parameters": "Attributes"}
"""Fields of pydantic's models are attributes: griffe knows their types, but no constructor."""


class NumpyItems(griffe.Extension):
    """Gives each object's docstring the form that the parser of numpydoc reads."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every object that was read."""
        if obj.docstring is not None:
            titles = FIELDS if obj.is_class and "model_config" in obj.members else MEMBERS
            obj.docstring.value = with_numpy_items(obj.docstring.value, titles)
