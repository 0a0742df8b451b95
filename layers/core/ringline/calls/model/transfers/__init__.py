"""A transfer of a call to somebody else: what it is, what happens to it, to whom an agent may hand over. Pure, and
below the call, which keeps its transfers in its own record."""
