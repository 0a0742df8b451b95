"""What became of webhooks: the log of deliveries, and what is sent again of it."""
