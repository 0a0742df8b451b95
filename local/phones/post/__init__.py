"""What the phone network sends to others: LiveKit's webhooks, and requests to servers that are not LiveKit's."""
