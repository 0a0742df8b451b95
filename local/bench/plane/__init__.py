"""The benches of the agent plane: calls whose brain is a runner on the official SDK, heard and spoken in text."""
