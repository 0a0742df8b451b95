"""What an account has: a module for each kind of thing, with the commands that make, show, change and delete it."""
