"""`console`: the operator's pages, served to a browser on this machine alone."""
