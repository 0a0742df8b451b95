"""Bugs on purpose where calls are handed over and where somebody comes in. Those of everything else are in `run`."""
