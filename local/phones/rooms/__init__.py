"""LiveKit's rooms: who is in them, what they publish, how many are counted, and which rooms there are."""
