"""What is done to a conversation from outside while it goes on."""
