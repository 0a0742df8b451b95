"""The dialer as a container: the same `DialNext` that the function runs, for all accounts in one event loop. A dial
that waits for its answer holds a coroutine here, and a whole function there."""
