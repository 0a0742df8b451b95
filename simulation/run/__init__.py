"""How worlds are put together and run: the composition root, the product's use cases wired in it, one episode from the
first call to the end, many of them, and bugs on purpose. Nothing here is imported by another room."""
