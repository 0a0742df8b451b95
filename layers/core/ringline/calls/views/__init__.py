"""How a call is shown: by the API, in webhooks, as a timeline, in lists, by its place in the queue."""
