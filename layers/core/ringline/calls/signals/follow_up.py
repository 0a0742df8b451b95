"""What every signal is followed by: a word for the log, and another look at the call where the rules ask for one."""

from aws_lambda_powertools import Logger

from ringline.calls.model.ports import LookQueue
from ringline.calls.model.results import Effect
from ringline.calls.model.timing import STOP_RECORDING_S
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Outcome, Unapplied
from ringline.calls.rules.deadlines import look_again_in_s


def word_for(outcome: Outcome) -> str:
    """What came of an event, in a word: `applied`, or why it changed nothing."""
    return outcome.why if isinstance(outcome, Unapplied) else "applied"


def look_again_if_due(looks: LookQueue, log: Logger, outcome: Outcome) -> None:
    call = outcome.call
    if Effect.STOP_RECORDING in outcome.effects and call is not None and call.in_flight:
        ask_for_look(looks, log, call, STOP_RECORDING_S)
    if Effect.LOOK_AGAIN in outcome.effects and call is not None and call.in_flight:
        ask_for_look(looks, log, call, look_again_in_s(call))
