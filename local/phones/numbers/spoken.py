"""Numbers of the sandbox whose calls are spoken in words, with an agent whose brain is a runner elsewhere."""

from copy import replace

from local.phones.numbers.callees import Callee
from local.phones.numbers.person_script import A_TALKER
from local.phones.numbers.sandbox_number import RING_S, STAYS_ON, SandboxNumber, Wish

_TALKS_AT_MOST_S = 60.0
"""When somebody hangs up whose agent hears no words, so that they never get to the end of what they have to say."""
_WORDS_LISTENED_TO = 3

_TALKER = Callee(answers_after_s=RING_S, hangs_up_after_s=_TALKS_AT_MOST_S, person=replace(A_TALKER, hangs_up=True))

RUNNERS_TEXT = """\
The person at these phones says words to an agent whose brain is a runner: call them through the pipe that `make up`
names beside your own runner (`runner_pipe_id` in `stack.json`), or let `make talk` say what you type. Words take the
time that it takes to say them, 2.5 a second. Any other number that answers says three lines, too.

What a runner does is no manner of a phone: the last three numbers are phones like the first, and `make outcomes` has
runners of its own that refuse, die and are missing. With a runner of yours, kill it in a call to see the same.
"""

WITH_A_RUNNER = (
    SandboxNumber(
        "+15550100240",
        _TALKER,
        "answers, talks three turns, hangs up",
        "USER_HUNG_UP_IN_CALL",
        Wish.RUNNER,
    ),
    SandboxNumber(
        "+15550100241",
        replace(_TALKER, person=replace(_TALKER.person, interrupts_after_words=_WORDS_LISTENED_TO)),
        "answers, talks, and interrupts the agent's first reply after three words; hangs up at the end",
        "USER_HUNG_UP_IN_CALL",
        Wish.RUNNER,
    ),
    SandboxNumber(
        "+15550100242",
        replace(STAYS_ON, speaks_after_s=None),
        "answers and says nothing; the agent asks after 5 s, and after 5 s more it has the call ended",
        "AGENT_HUNG_UP_SILENCE_DETECTED",
        Wish.RUNNER,
    ),
    SandboxNumber(
        "+15550100243",
        replace(_TALKER, person=replace(_TALKER.person, hangs_up_after_words=_WORDS_LISTENED_TO)),
        "answers, asks, and hangs up while the agent speaks",
        "USER_HUNG_UP_IN_CALL",
        Wish.RUNNER,
    ),
    SandboxNumber(
        "+15550100244",
        _TALKER,
        "as `+15550100240`; the first runner that is asked refuses the call, another takes it",
        "USER_HUNG_UP_IN_CALL",
        Wish.RUNNER_REFUSES,
    ),
    SandboxNumber(
        "+15550100245",
        _TALKER,
        "as `+15550100240`; its runner dies in the second turn, another answers it and goes on",
        "USER_HUNG_UP_IN_CALL",
        Wish.RUNNER_DIES,
    ),
    SandboxNumber(
        "+15550100246",
        _TALKER,
        "as `+15550100240`; no runner is there: nobody is rung (`blocked_by`: `agent`) until `expires_at`, or an hour",
        "NO_AGENT_AVAILABLE",
        Wish.NO_RUNNER,
    ),
)
