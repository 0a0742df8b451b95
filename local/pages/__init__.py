"""Pages of the documentation that are written from code, so that they cannot go stale: the numbers of the sandbox,
the reasons why calls end, the keys of the table."""
