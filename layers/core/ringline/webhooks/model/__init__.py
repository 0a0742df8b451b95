"""What an endpoint, an event and a delivery are, and when a delivery is tried again. Pure."""
