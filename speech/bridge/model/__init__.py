"""What is said between a call and its runner: frames, events, actions. Values only."""
