"""The clock, the heap of moments, processes and chance: what any world is made of. Nothing here knows what a call is."""
