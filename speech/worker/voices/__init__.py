"""Whose ears and mouths there are: `profile` is what a customer chooses, `table` who can serve it, `engines` makes the
objects that hear and speak, `local` needs no key."""
