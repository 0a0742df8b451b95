"""What a runner, its frames and its assignments are, and what follows from them. Standard library only, no AWS, no
clock and no chance of its own."""
