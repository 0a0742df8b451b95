"""What looks after calls whose signals got lost."""
