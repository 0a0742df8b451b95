"""What an agent does when nobody is heard: it asks, and after the same time again it has the call ended."""

from local.phones.kernel.pace import Pace
from local.phones.speech.mouth import Mouth
from local.phones.speech.person import Person
from local.phones.speech.talking import ASKS, ASKS_AFTER_S
from speech.bridge.driver import Driver

_REASON = "silence"


class Silence:
    """The agent's ear. It passes on what it hears, and notices what it does not hear."""

    def __init__(self, pace: Pace, mouth: Mouth, driver: Driver) -> None:
        self._pace = pace
        self._mouth = mouth
        self._driver = driver
        self._last_heard_s = self._last_sound_s = pace.now_s()
        self._has_asked = False
        mouth.listeners.append(self)

    def user_begins(self) -> None:
        self._heard()
        self._driver.user_spoke()

    def user_interrupts(self, heard: str) -> None:
        self._driver.interrupted(heard)

    def user_said(self, text: str) -> None:
        self._heard()
        self._driver.user_said(text)

    def heard_word(self, words: int) -> None:
        self._last_sound_s = self._pace.now_s()

    def mouth_changed(self) -> None:
        self._last_sound_s = self._pace.now_s()

    async def watch(self, person: Person) -> None:
        """Asks, then gives up, whenever nobody has been heard for so long; an answer that the agent owes is no silence
        of the person's. Where the product does not end the call it begins anew."""
        while True:
            if self._mouth.speaks or person.speaks or person.awaits_answer or self._driver.is_ending:
                self._last_sound_s = self._pace.now_s()
            left_s = self._last_sound_s + ASKS_AFTER_S - self._pace.now_s()
            if left_s > 0:
                await self._pace.sleep(left_s)
            elif self._has_asked:
                self._driver.silent(self._pace.now_s() - self._last_heard_s)
                self._driver.end(_REASON)
                self._last_sound_s = self._pace.now_s()
                self._has_asked = False
            else:
                self._has_asked = True
                self._mouth.add(None, ASKS)
                self._mouth.end(None)

    def _heard(self) -> None:
        self._last_heard_s = self._last_sound_s = self._pace.now_s()
        self._has_asked = False
