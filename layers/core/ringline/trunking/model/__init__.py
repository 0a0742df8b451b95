"""What trunks and numbers are, and what LiveKit is to have for them. Nothing here asks anybody."""
