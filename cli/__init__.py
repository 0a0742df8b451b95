"""`ringline`: the operator's command, for what no customer may change by itself."""

import sys
from pathlib import Path

# The core layer's sources, where a function finds the built layer.
_CORE = str(Path(__file__).parents[1] / "layers" / "core")
if _CORE not in sys.path:
    sys.path.insert(0, _CORE)
