"""Speech in text: an agent that hears and speaks words, the person at the phone who talks to it, and the brain that a
bridge leads to. Nothing here makes a sound; words take the time that it takes to say them."""
