"""`python -m simulation --calls N --seed S [--workers 2]`"""

import sys
from pathlib import Path

# The product is no package to install: its layer is put on the path as Lambda does.
sys.path.append(str(Path(__file__).parents[1] / "layers" / "core"))

from simulation.run.command import main

if __name__ == "__main__":
    sys.exit(main())
