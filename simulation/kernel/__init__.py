"""What any world is made of: the clock, the heap of moments, processes that may die, and chance. Nothing here knows
what a call is, and nothing here imports another room."""
