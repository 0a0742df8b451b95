"""A conversation under a clock of the test's own, with a runner that says what the test wants."""

import json
from typing import Any

from speech.bridge.model.actions import Action, AskForBrain, SendFrame, WakeAt
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import (
    Answered,
    Assigned,
    BrainAnswer,
    BrainAnswered,
    Event,
    RunnerClosed,
    RunnerDialled,
    RunnerFrame,
    SpeechPlayed,
    Tick,
    UserSaid,
)
from speech.bridge.rules.conversation import Conversation

CALL = CallFacts("SCL_1", "bot", user_number="+15550100", room_id="room")


class Told:
    """What a conversation wanted, in order, and how to tell it something."""

    def __init__(self, call: CallFacts = CALL) -> None:
        self.conversation = Conversation(call)
        self.now_ms = 1_000_000
        self.bridge = 0
        self.all: list[Action] = []
        self._wakes_at: int | None = None
        self._keep(self.conversation.begin(self.now_ms))

    # ------------------------------------------------------------ events

    def tell(self, event: Event) -> list[Action]:
        return self._keep(self.conversation.handle(event, self.now_ms))

    def after(self, ms: int) -> list[Action]:
        """What is wanted while so much time passes."""
        until_ms, wanted = self.now_ms + ms, list[Action]()
        while self._wakes_at is not None and self._wakes_at <= until_ms:
            self.now_ms = max(self._wakes_at, self.now_ms)
            wanted += self.tell(Tick())
        self.now_ms = until_ms
        return wanted

    def answer(self, answer: BrainAnswer) -> list[Action]:
        return self.tell(BrainAnswered(self.asked()[-1].request, answer))

    def assign(self, job_id: str = "SCL_1.1.1") -> list[Action]:
        return self.answer(Assigned(job_id, "bot#1", 2.0))

    def dial(self, job_id: str = "SCL_1.1.1") -> list[Action]:
        self.bridge += 1
        return self.tell(RunnerDialled(self.bridge, job_id, "bot#1"))

    def runner(self, event: str, **fields: Any) -> list[Action]:
        return self.tell(RunnerFrame(self.bridge, json.dumps({"event": event, **fields})))

    def closes(self, code: int) -> list[Action]:
        return self.tell(RunnerClosed(self.bridge, code))

    def arrive(self, job_id: str = "SCL_1.1.1") -> list[Action]:
        return [*self.dial(job_id), *self.runner("hello", protocol_version=2)]

    def says(self, text: str) -> int:
        turn = self.conversation.next_turn()
        self.tell(UserSaid(turn, text))
        return turn

    def replies(self, *pieces: str) -> list[Action]:
        wanted = [action for piece in pieces for action in self.runner("agent.text.delta", text=piece)]
        return [*wanted, *self.runner("agent.text.end")]

    def played(self, turn: int) -> list[Action]:
        return self.tell(SpeechPlayed(turn))

    # ------------------------------------------------------------ what was wanted

    def asked(self) -> list[AskForBrain]:
        return of(AskForBrain, self.all)

    def frames(self, event: str) -> list[dict[str, Any]]:
        return frames(self.all, event)

    def _keep(self, actions: list[Action]) -> list[Action]:
        self._wakes_at = next((action.at_ms for action in actions if isinstance(action, WakeAt)), None)
        wanted: list[Action] = [action for action in actions if not isinstance(action, WakeAt)]
        self.all += wanted
        return wanted


def talking(call: CallFacts = CALL) -> Told:
    """Answered, and with a runner."""
    told = Told(call)
    told.assign()
    told.arrive()
    told.tell(Answered())
    return told


def of[A](kind: type[A], actions: list[Action]) -> list[A]:
    return [action for action in actions if isinstance(action, kind)]


def frames(actions: list[Action], event: str) -> list[dict[str, Any]]:
    read = [json.loads(action.text) for action in of(SendFrame, actions)]
    return [frame for frame in read if frame["event"] == event]


def states(actions: list[Action]) -> list[str]:
    return [frame["state"] for frame in frames(actions, "state")]
