"""What an account sets a cap on, beside its gate, and how much of it is in use."""
