"""Sends again what an endpoint has missed: a delivery, or a part of the log a few events at a time."""
