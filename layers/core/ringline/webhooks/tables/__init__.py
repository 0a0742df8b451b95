"""How endpoints, events and deliveries are kept in the one table."""
