"""What is kept of calls is deleted where a customer asks for it."""
