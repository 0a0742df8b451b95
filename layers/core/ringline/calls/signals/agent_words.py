"""What an agent means by the reason it gives for hanging up. Pure."""

from ringline.calls.model.reasons import EndReason

_R = EndReason

KNOWN_TO_AGENTS = frozenset(
    {
        _R.AGENT_HUNG_UP,
        _R.AGENT_HUNG_UP_SILENCE_DETECTED,
        _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED,
        _R.AGENT_FAILED,
        _R.USER_HUNG_UP_IN_CALL,
        _R.CALL_TRANSFERRED,
        _R.MAX_DURATION_REACHED,
        _R.IDLE_TIMEOUT,
    }
)
"""Reasons that an agent may give by their names. Of the others only a carrier, the API or we
ourselves can know: an agent that speaks, for instance, has joined."""

_BEGINNINGS = {
    "silence": _R.AGENT_HUNG_UP_SILENCE_DETECTED,
    "voicemail": _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED,
    "max_duration": _R.MAX_DURATION_REACHED,
    "idle": _R.IDLE_TIMEOUT,
    "transfer": _R.CALL_TRANSFERRED,
    "error": _R.AGENT_FAILED,
    "failed": _R.AGENT_FAILED,
}


def meant_by(words: str | None) -> EndReason:
    """The reason behind an agent's words. It may name one itself, or begin with a word that stands for one
    (`silence_timeout`, `Voicemail: beep`); otherwise it hung up. Capitals, and what separates the words, make no
    difference."""
    snake_words = "_".join((words or "").replace("-", " ").replace("_", " ").split()).lower()
    named = next((reason for reason in KNOWN_TO_AGENTS if reason.value.lower() == snake_words), None)
    if named is not None:
        return named
    return next(
        (reason for beginning, reason in _BEGINNINGS.items() if snake_words.startswith(beginning)), _R.AGENT_HUNG_UP
    )
