"""Handing a call over: who asks for it, and to whom: phones that are called into the room or to which a phone is sent
away, and agents that come in the place of another."""
