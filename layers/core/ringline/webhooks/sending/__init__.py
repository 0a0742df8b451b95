"""From an event to a signed request at the endpoint: announced, queued, delivered, tried again."""
