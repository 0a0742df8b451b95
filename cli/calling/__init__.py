"""Calls: placed, followed, listed, ended, explained."""
