"""The recording of a server that was killed in a call, in the form of the others (`tests/contract/traces`).

`server_restart.json` is what a real LiveKit posted on a trip (`local/trips/livekit/troubles.py`, `server_restarted`),
and no more than that: no requests, nobody who looked into the room, no tracks, and of each webhook the fields that say
who and why. What was done from outside stands here as moves, which are derived:
- the phone and its agent come when LiveKit told of them;
- the phone is answered a second after it is called and talks for five seconds before the server is killed, as on the
  trip; the server is back when it tells of the room again;
- the person hangs up when LiveKit tells of it, and the product deletes the room when the agent is put out of it.
"""

import json
from pathlib import Path
from typing import Any

type Event = dict[str, Any]
type Trace = dict[str, Any]

POSTED: list[Event] = json.loads(Path(__file__).with_name("server_restart.json").read_text())

_ANSWERS_AFTER_S = 1.0
_TALKS_S = 5.0
_ROOM = frozenset(("sid", "name", "emptyTimeout", "departureTimeout", "creationTime", "creationTimeMs"))
_SOMEBODY = frozenset(
    ("sid", "identity", "state", "joinedAt", "joinedAtMs", "isPublisher", "kind", "attributes", "disconnectReason")
)
_ATTRIBUTES = frozenset(("sip.callID", "sip.callIDFull", "sip.callStatus", "sip.phoneNumber", "sip.trunkPhoneNumber"))
"""What an agent says of itself the recording kept, too: that is its SDK's to say."""


def restart_trace() -> Trace:
    """Its webhooks, and the moves."""
    leg, agent = _told("participant_joined", "SIP"), _told("participant_joined", "AGENT")
    number = leg["body"]["participant"]["attributes"]["sip.phoneNumber"]
    killed_s = leg["t"] + _ANSWERS_AFTER_S + _TALKS_S
    back_s = [event["t"] for event in _webhooks() if event["body"]["event"] == "room_started"][1]
    moves = [
        _move(agent["t"], "agent joins", identity=agent["body"]["participant"]["identity"]),
        _move(killed_s, "restart the server", away_s=back_s - killed_s),
        _move(_told("participant_left", "SIP")["t"], "hang up"),
        _move(_told("participant_left", "AGENT")["t"], "DeleteRoom"),
    ]
    return {
        "scenario": "server-restart",
        "phones": {number: {"answers_after_s": _ANSWERS_AFTER_S, "hangs_up_after_s": None, "hooks": "none"}},
        "events": sorted([*_webhooks(), *moves], key=lambda event: float(event["t"])),
    }


def _webhooks() -> list[Event]:
    return [{"t": posted["t_ms"] / 1000, "kind": "webhook", "body": posted["body"]} for posted in POSTED]


def _told(event: str, kind: str) -> Event:
    """The first webhook of that event, of somebody of that kind."""
    return next(
        each
        for each in _webhooks()
        if each["body"]["event"] == event and each["body"].get("participant", {}).get("kind") == kind
    )


def _move(at_s: float, what: str, **details: Any) -> Event:
    return {"t": at_s, "kind": "move", "what": what, **details}


def webhooks_alone(trace: Trace) -> Trace:
    """What can be held against the recording, as nobody looked into its room."""
    return trace | {"events": [event for event in trace["events"] if event["kind"] == "webhook"]}


def as_kept(trace: Trace) -> Trace:
    """The webhooks, with the fields that the recording kept."""
    events = [
        event | {"content_type": "application/webhook+json", "body": _kept(event["body"])}
        for event in webhooks_alone(trace)["events"]
        if not event["body"]["event"].startswith("track_")
    ]
    return {"scenario": trace["scenario"], "events": events}


def _kept(body: Event) -> Event:
    kept: Event = {"event": body["event"], "room": _only(_ROOM, body["room"])}
    if (somebody := body.get("participant")) is not None:
        attributes = _only(_ATTRIBUTES, somebody.get("attributes", {}))
        kept["participant"] = _only(_SOMEBODY, somebody) | {"attributes": attributes}
    return kept


def _only(names: frozenset[str], described: Event) -> Event:
    return {name: value for name, value in described.items() if name in names}
