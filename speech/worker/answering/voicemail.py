"""Whether it is a voicemail that answered: by what it says, by how it goes on, by its tone. Pure: moments come in.

answer ... speaks on for LONG_GREETING_S without a pause ---------> "a greeting went on for 8 s without a pause"
       ... says what only a greeting says, in its first turn -----> "a greeting said: please leave a message"
       ... says what a person says as well, in its first turn,
           having spoken for UNBROKEN_S without a pause ----------> "a greeting said: can't come to the phone"
       ... a tone, after somebody has spoken for GREETING_S,
           or has said any of these words ------------------------> "a tone of 1000 Hz after a greeting"
       after LISTENS_S, or once two turns have been exchanged ----> nobody listens for it any more

A person says "Hello?", and waits: what is said in a second turn is an answer. A greeting that was taken for two turns
is known by its tone, which is waited for where the second one says what only a greeting says.
"""

from dataclasses import dataclass, field

from speech.worker.answering.greetings import Heard, heard_in

LISTENS_S = 40.0
"""From the answer on. Greetings last 10 to 25 s, and the tone follows."""
LONG_GREETING_S = 8.0
UNBROKEN_S = 3.0
"""So long a person does not speak who says that somebody is not there."""
GREETING_S = 2.0
"""So long somebody has spoken before a tone is taken for the end of a greeting: phones that are picked up may beep."""
EXCHANGED_TURNS = 2
"""Who has said so much, and was answered in between, is a person; or it does no harm to take them for one."""


@dataclass(slots=True)
class GreetingWatch:
    """Moments are seconds of one clock, whichever; `answered_at` is the answer's. What is told is answered with why it
    is a voicemail, the first time that it is known, and with None otherwise."""

    answered_at: float
    _speaks_since: float | None = None
    _spoken_s: float = 0.0
    _unbroken_s: float = 0.0
    _heard: Heard | None = None
    _heard_tone: int | None = None
    _turns: list[str] = field(default_factory=list)
    _is_over: bool = False

    def speaks(self, now: float) -> None:
        """The other side begins to be heard."""
        if self._speaks_since is None:
            self._speaks_since = now

    def pauses(self, now: float) -> None:
        """The other side is not heard any more."""
        if self._speaks_since is not None:
            self._spoken_s += now - self._speaks_since
            self._unbroken_s = max(self._unbroken_s, now - self._speaks_since)
            self._speaks_since = None

    def listens(self, now: float) -> bool:
        """Whether there is anything to be found out yet."""
        may_be_one = len(self._turns) < EXCHANGED_TURNS or (self._heard is not None and self._heard.sure)
        return not self._is_over and now - self.answered_at < LISTENS_S and may_be_one

    def look(self, now: float) -> str | None:
        """To be asked twice a second."""
        if self._speaks_since is None or self._turns or now - self._speaks_since < LONG_GREETING_S:
            return None
        return self._found(now, f"a greeting went on for {round(now - self._speaks_since)} s without a pause")

    def said(self, text: str, now: float) -> str | None:
        """A turn of the other side is complete."""
        may_be_one = self.listens(now) and len(self._turns) < EXCHANGED_TURNS
        self._turns.append(text)
        heard = heard_in(text) if may_be_one else None
        if heard is None:
            return None
        self._heard = heard
        if len(self._turns) > 1:
            return None
        if self._heard_tone is not None:
            return self._tone_found(self._heard_tone, now)
        speaks_s = 0.0 if self._speaks_since is None else now - self._speaks_since
        if not heard.sure and max(self._unbroken_s, speaks_s) < UNBROKEN_S:
            return None
        return self._found(now, f"a greeting said: {heard.words}")

    def tone(self, hertz: int, now: float) -> str | None:
        """A pure tone was heard."""
        speaks_s = 0.0 if self._speaks_since is None else now - self._speaks_since
        spoken_s = self._spoken_s + speaks_s
        if spoken_s < GREETING_S and self._heard is None:
            # Its words may be read only after it.
            self._heard_tone = hertz if spoken_s else None
            return None
        return self._tone_found(hertz, now)

    def _tone_found(self, hertz: int, now: float) -> str | None:
        return self._found(now, f"a tone of {hertz} Hz after a greeting")

    def _found(self, now: float, why: str) -> str | None:
        if self._is_over or now - self.answered_at >= LISTENS_S:
            return None
        self._is_over = True
        return why
