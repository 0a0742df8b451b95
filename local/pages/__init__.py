"""Pages of the documentation that are written from code, so that they cannot go stale: the numbers of the sandbox and
the reasons why calls end."""
