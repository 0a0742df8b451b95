"""The times of assignments, which depend on each other. How often a runner beats, and when it counts as gone, the calls
need to know too: `ringline.calls.model.timing`."""

ACK_WITHIN_S = 2
"""How long a runner may leave an assignment unanswered; SDK 0.5.0 answers before it dials."""

DIAL_WITHIN_S = 5
"""How long an accepted assignment may stay without a bridge. SDK 0.5.0 dials three times within a second."""

MOST_RUNNERS = 3
"""How many runners are asked in one round, before whoever asks for a brain is told that there is none."""

ASK_AGAIN_S = 1
"""How long whoever asks waits for the next round."""

REPEATED_WITHIN_S = 15
"""How long a speech worker repeats a request that was not answered: four times, three seconds each, and its pauses."""

CONNECTION_KEPT_S = 3 * 3600
"""API Gateway closes a connection after two hours."""

RUNNER_KEPT_S = 24 * 3600
"""Since it registered last. A call, which gives its place back, does not last so long."""

ASSIGNMENT_KEPT_S = 24 * 3600
