"""The one-machine stack: the AWS emulator, build and deploy without SAM CLI, the front door, and the phone network."""

import sys

from local.tools.places import ROOT

# The core layer's sources, where a function finds the built layer.
if str(ROOT / "layers" / "core") not in sys.path:
    sys.path.insert(0, str(ROOT / "layers" / "core"))
