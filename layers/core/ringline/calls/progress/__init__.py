"""The one way an event reaches a call, and what follows it: the bell, the hang-up, the recording, hints to others."""
