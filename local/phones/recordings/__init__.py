"""Recordings of rooms: how one lives, what is on it, and the bucket it goes to."""
