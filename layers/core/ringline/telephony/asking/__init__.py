"""What all requests to LiveKit have in common, whoever makes them."""
