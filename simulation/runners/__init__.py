"""Runners and what lies between them and a call: their control sockets, the speech workers that ask for one of them,
and the bridges on which they meet. Runners behave as the SDK 0.5.0 does, and worse."""
