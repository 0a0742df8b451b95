"""How mortal the product's functions are."""

CRASHES = {
    "create": (0.02, 4),
    "dial": (0.06, 14),
    "hangup": (0.05, 5),
    "hook": (0.02, 5),
    "relay": (0.02, 6),
    "sweep": (0.08, 12),
    "look": (0.03, 8),
    "agent": (0.02, 5),
    "sip": (0.02, 6),
}
"""For each kind of process: how likely it is to be born with its death planned, and among how many effects that may
fall."""
