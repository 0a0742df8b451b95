"""Trunks, numbers and what stands at LiveKit for them, in the one table."""
