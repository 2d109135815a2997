"""The tiny space can be imported, as one's own is."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
