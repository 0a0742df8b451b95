"""Handing a call over to somebody else: asked for, carried out, and settled where whoever carried it out died."""
