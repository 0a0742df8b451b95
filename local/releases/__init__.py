"""Rows and messages as a release writes them, kept as fixtures: later ones are held to read, change and list them."""
