"""Parts of the API that are put together apart from the rest of it."""
