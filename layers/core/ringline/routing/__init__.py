"""What to run for a call: numbers, agents, and the pipes that bind them."""
