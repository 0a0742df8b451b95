"""What the stack keeps secret: one document in Secrets Manager, and rows of the table that only its key opens."""
