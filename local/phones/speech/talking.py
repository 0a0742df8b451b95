"""How long talking takes, in the network's own seconds."""

WORDS_PER_S = 2.5
"""As people talk on the phone, and as text-to-speech does."""
BARGE_IN_S = 0.4
"""How long somebody must speak into the agent's speech before the agent takes it for more than a cough."""
ENDPOINT_S = 0.5
"""How long somebody must be silent before the agent takes what they said for all."""
THINKS_S = 0.4
"""How long a person is silent before they say the next thing."""
GREETED_WITHIN_S = 1.0
"""How long a person waits for the agent to say the first word."""
ANSWERED_WITHIN_S = 15.0
"""How long a person waits for an answer before they say the next thing."""
ASKS_AFTER_S = 5.0
"""How long nobody is heard before the agent asks whether there is anybody, and again before it gives up."""
CLOSED_WITHIN_S = 5.0
"""How long an agent that has ended the call waits for its room to be closed."""
ASKS = "Are you still there?"


def takes_s(text: str) -> float:
    """How long it takes to say so many words."""
    return len(text.split()) / WORDS_PER_S
