"""Agents and webhooks are told of each call what was asked for, whatever row of the table that is in."""

from ringline.calls.model.call import Call
from ringline.webhooks.model.event import EventDraft
from simulation.actors.scene import Scene
from simulation.watch.book import CallBook
from simulation.watch.findings import Findings


class ToldWhatWasAsked:
    def __init__(self, findings: Findings, scene: Scene, book: CallBook) -> None:
        self._findings = findings
        self._scene = scene
        self._book = book
        scene.on_agent_told = self._agent_told

    def _agent_told(self, call: Call) -> None:
        if not call.comes_in:
            self._look_at(call, call.instructions, "an agent")

    def event_told(self, draft: EventDraft) -> None:
        call = self._book.calls.get((draft.account_id, draft.call_id or ""))
        if call is not None and not call.comes_in:
            self._look_at(call, draft.data.get("instructions"), "a webhook")

    def _look_at(self, call: Call, told: str | None, whom: str) -> None:
        asked = self._scene.plan_of(call).instructions
        if told != (asked and asked.strip()):
            self._findings.fail("told_otherwise", f"{whom} is told {told!r:.40} of {call.call_id}, not {asked!r:.40}")
