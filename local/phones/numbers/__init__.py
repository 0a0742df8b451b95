"""What each number of the sandbox does: the manners of a phone, and the telephone book. Pure: nothing here waits or
speaks to anyone."""
