"""The product's use cases that have many parts, wired by name over the simulated world."""
