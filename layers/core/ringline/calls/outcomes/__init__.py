"""Outcomes: what came of a conversation, as its agent reported it. Kept, held against the agent's schema, shown."""
