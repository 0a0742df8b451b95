"""Whoever acts beside the product: LiveKit, callees, agents and carriers. What they do is the truth, kept in the scene;
what they tell of it may be lost, doubled or late."""
