"""Callers in a browser: they are given a token, and their call begins when they join its room with it."""
