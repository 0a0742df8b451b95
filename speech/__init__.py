"""The side of a call that hears and speaks. It is no part of what runs on Lambda."""
