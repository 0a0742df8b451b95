"""Each page of the console, and what is done from it."""
