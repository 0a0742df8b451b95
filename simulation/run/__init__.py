"""How worlds are put together and run: the composition root, one episode, many of them, and bugs on purpose."""
