"""torch is an extra: whoever needs it asks here first."""

from importlib.util import find_spec

from naas_hw.core.errors import ToolError


def require_torch(task: str) -> None:
    """Raise a ToolError that says what to install if torch is not there for `task`."""
    if find_spec("torch") is None:
        raise ToolError(f"torch must be installed {task}: pip install 'naas_hw[torch]'")
