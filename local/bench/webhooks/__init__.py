"""What webhooks do when a thousand calls of one account end at once, and two of its five endpoints are no help."""
