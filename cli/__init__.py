"""`ringline`: calls, and all that they need, from the command line. What a customer may do goes through the HTTP API,
what only an operator may do through AWS."""

import sys
from pathlib import Path

# The core layer's sources, where a function finds the built layer.
_CORE = str(Path(__file__).parents[1] / "layers" / "core")
if _CORE not in sys.path:
    sys.path.insert(0, _CORE)
