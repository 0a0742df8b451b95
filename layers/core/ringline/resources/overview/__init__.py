"""What tells of an account, and of the API, as a whole."""
