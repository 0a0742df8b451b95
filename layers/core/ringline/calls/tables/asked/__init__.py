"""What was asked of a call, apart from where the call stands."""
