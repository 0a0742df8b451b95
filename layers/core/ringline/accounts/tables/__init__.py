"""What accounts may have, and what they used up, in the table."""
