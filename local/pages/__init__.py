"""Pages of the documentation that are written from code, so that neither can go stale: the sandbox numbers, the reasons."""
