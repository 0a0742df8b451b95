"""The release that this code is of: pyproject.toml has it, and a test holds this to it."""

VERSION = "0.1.0"
