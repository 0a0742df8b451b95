"""How fast an endpoint is sent to: its own limits, and what one that fails or is slow gets of the deliverers' time."""
