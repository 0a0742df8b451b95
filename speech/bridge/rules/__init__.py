"""What follows from what in a call with a runner. Pure: no clock, no socket, no chance, no log."""
