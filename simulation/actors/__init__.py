"""Whoever acts beside the product: LiveKit, callees, agents and carriers. What they do is the truth; what they tell of it may get lost."""
