"""Every method of the official SDK 0.5.0, each called once against a stack, and what each is promised to do.

The order is that of somebody who sets up, calls, and clears up. A method that is out of scope is one of `NOT_SERVED`:
the answer must be 501, never 404.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from unpod.agents import Agent, AgentVoice, Prompt, Runner
from unpod.models import (
    ApiKey,
    Call,
    Number,
    Pipe,
    Session,
    SessionEndResult,
    SessionToken,
    SessionTransferResult,
    Trunk,
    TrunkCreate,
    VoiceProfile,
)
from unpod.models.trunk import ByoConfigCreate
from unpod.telephony import (
    AgentAttachResult,
    AgentDetachResult,
    AttachResult,
    DetachResult,
    NumberOverview,
)
from unpod.telephony import Number as TelephonyNumber
from unpod.telephony import Trunk as CarrierTrunk

TALKS = "+15550100201"
"""Answers and never hangs up."""

HANDED_TO = "+15550100200"


@dataclass(slots=True)
class Journey:
    """What one journey through the SDK begins with, and what its methods gave, by the name of each. `suffix` keeps
    journeys through one stack apart; `numbers` are the account's own, which nobody else uses."""

    account_id: str
    pipe_id: str
    suffix: str
    numbers: tuple[str, ...]
    gave: dict[str, Any] = field(default_factory=dict)

    @property
    def agent_id(self) -> str:
        return f"tour-{self.suffix}"

    @property
    def second_agent_id(self) -> str:
        return f"tour-second-{self.suffix}"

    @property
    def voices(self) -> list[str]:
        return [profile.profile_id for profile in self.gave["voice_profiles.list"]]

    def number_id(self, number: str) -> str:
        rows: list[Number] = self.gave["numbers.list"]
        return str(next(each.number_id for each in rows if each.number == number))

    def carrier_ids(self, number: str) -> list[int]:
        """The number as the SDK's plane of carriers names it."""
        return [each.number_id for each in self.gave["telephony.overview"] if each.number == number]


type Take = Callable[[Any, Journey], Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """One method, called once: `take` calls it on a client, `gives` is the SDK's model of the answer, or of each row of
    it; None where it gives nothing. Some are only called once the call of the journey is active."""

    method: str
    take: Take
    gives: type | None = None
    in_the_call: bool = False


def _trunk(journey: Journey) -> TrunkCreate:
    return TrunkCreate(
        name=f"carrier {journey.suffix}",
        type="byo",
        byo_config=ByoConfigCreate(
            provider="twilio",
            sip_domain=f"{journey.suffix}.pstn.example.com",
            auth_username="acme",
            auth_password="a-password-of-the-carrier",
            transport="tls",
        ),
    )


SET_UP = (
    Stop("voice_profiles.list", lambda c, _j: c.voice_profiles.list(), VoiceProfile),
    Stop("voice_profiles.get", lambda c, j: c.voice_profiles.get(j.voices[0]), VoiceProfile),
    Stop(
        "agents.create", lambda c, j: c.agents.create(j.agent_id, brain=Runner(), voice_profile=j.voices[0]), AgentVoice
    ),
    Stop(
        "agents.voice.create",
        lambda c, j: c.agents.voice.create(
            j.second_agent_id, brain=Prompt("You are brief."), voice_profile=j.voices[0], max_concurrent=3
        ),
        AgentVoice,
    ),
    Stop("agents.voice.add", lambda c, j: c.agents.voice.add(j.agent_id, voice_profile=j.voices[1]), AgentVoice),
    Stop(
        "agents.voice.update",
        lambda c, j: c.agents.voice.update(j.agent_id, j.voices[1], make_default=True),
        AgentVoice,
    ),
    Stop("agents.voice.remove", lambda c, j: c.agents.voice.remove(j.agent_id, j.voices[0])),
    Stop("agents.list", lambda c, _j: c.agents.list(), Agent),
    Stop("agents.get", lambda c, j: c.agents.get(j.agent_id), Agent),
    Stop("agents.update", lambda c, j: c.agents.update(j.agent_id, name="Renamed", max_call_duration_s=600), Agent),
    Stop("agent.voice.create", lambda c, j: c.agent.voice.create("by voice", j.voices[0], agent_id=j.agent_id), Pipe),
    Stop("pipes.create", lambda c, j: c.pipes.create("by pipe", j.voices[0], agent_id=j.agent_id), Pipe),
    Stop("pipes.list", lambda c, _j: c.pipes.list(), Pipe),
    Stop("pipes.get", lambda c, j: c.pipes.get(j.gave["pipes.create"].pipe_id), Pipe),
    Stop(
        "pipes.update",
        lambda c, j: c.pipes.update(j.gave["pipes.create"].pipe_id, name="renamed", max_call_duration_s=120),
        Pipe,
    ),
    Stop("trunks.create", lambda c, j: c.trunks.create(_trunk(j)), Trunk),
    Stop("trunks.list", lambda c, _j: c.trunks.list(), Trunk),
    Stop(
        "telephony.trunks.create",
        lambda c, j: c.telephony.trunks.create(
            f"beta {j.suffix}", f"sip.{j.suffix}.example.com", username="acme", password="a-password-of-the-carrier"
        ),
        CarrierTrunk,
    ),
    Stop("telephony.trunks.list", lambda c, _j: c.telephony.trunks.list(), CarrierTrunk),
    Stop(
        "telephony.trunks.get",
        lambda c, j: c.telephony.trunks.get(j.gave["telephony.trunks.create"].id),
        CarrierTrunk,
    ),
    Stop("numbers.list", lambda c, _j: c.numbers.list(), Number),
    Stop("numbers.sync", lambda c, _j: c.numbers.sync(), dict),
    Stop(
        "numbers.attach",
        lambda c, j: c.numbers.attach(j.number_id(j.numbers[0]), j.agent_id, number=j.numbers[0]),
        Number,
    ),
    Stop("numbers.agent.change", lambda c, j: c.numbers.agent.change(j.numbers[0], j.second_agent_id), dict),
    Stop("numbers.detach", lambda c, j: c.numbers.detach(j.number_id(j.numbers[0])), Number),
    Stop("agents.numbers.attach", lambda c, j: c.agents.numbers.attach(j.agent_id, j.numbers[1]), dict),
    Stop("agents.numbers.detach", lambda c, j: c.agents.numbers.detach(j.number_id(j.numbers[1])), dict),
    Stop("telephony.numbers.list", lambda c, _j: c.telephony.numbers.list(), TelephonyNumber),
    Stop(
        "telephony.numbers.attach",
        lambda c, j: c.telephony.numbers.attach(list(j.numbers[:2]), agent_id=j.agent_id),
        AgentAttachResult,
    ),
    Stop("telephony.overview", lambda c, _j: c.telephony.overview(), NumberOverview),
    Stop("telephony.numbers.detach", lambda c, j: c.telephony.numbers.detach(list(j.numbers[:2])), AgentDetachResult),
    Stop(
        "telephony.trunks.attach_numbers",
        lambda c, j: c.telephony.trunks.attach_numbers(
            j.gave["telephony.trunks.create"].id, j.carrier_ids(j.numbers[0])
        ),
        AttachResult,
    ),
    Stop(
        "telephony.trunks.detach_numbers",
        lambda c, j: c.telephony.trunks.detach_numbers(
            j.gave["telephony.trunks.create"].id, j.carrier_ids(j.numbers[0])
        ),
        DetachResult,
    ),
    Stop("api_keys.create", lambda c, j: c.api_keys.create("tour", j.account_id), ApiKey),
)

CALLING = (
    Stop("calls.create", lambda c, j: c.calls.create(pipe_id=j.pipe_id, to_number=TALKS), Call),
    Stop("calls.list", lambda c, _j: c.calls.list(), Call),
    Stop("calls.get", lambda c, j: c.calls.get(j.gave["calls.create"].call_id), Call),
    # A call is a session from its dial on.
    Stop("sessions.list", lambda c, _j: c.sessions.list(), Session, in_the_call=True),
    Stop("sessions.get", lambda c, j: c.sessions.get(j.gave["calls.create"].call_id), Session),
    Stop("sessions.create_token", lambda c, j: c.sessions.create_token(j.pipe_id, {"who": "tour"}), SessionToken),
    Stop(
        "sessions.transfer",
        lambda c, j: c.sessions.transfer(j.gave["calls.create"].call_id, "sip", {"number": HANDED_TO}),
        SessionTransferResult,
        in_the_call=True,
    ),
    Stop("sessions.end", lambda c, j: c.sessions.end(j.gave["calls.create"].call_id), SessionEndResult),
    Stop("calls.hangup", lambda c, j: c.calls.hangup(j.gave["calls.create"].call_id), Call),
    Stop("recordings.list", lambda c, j: c.recordings.list(j.gave["calls.create"].call_id), list),
    Stop("transcripts.list", lambda c, _j: c.transcripts.list(), Session),
    Stop("transcripts.get", lambda c, j: c.transcripts.get(j.gave["calls.create"].call_id), Session),
    Stop("analytics.for_call", lambda c, j: c.analytics.for_call(j.gave["calls.create"].call_id), list),
    Stop("analytics.for_session", lambda c, j: c.analytics.for_session(j.gave["calls.create"].call_id), list),
)

CLEARING_UP = (
    Stop("pipes.delete", lambda c, j: c.pipes.delete(j.gave["pipes.create"].pipe_id)),
    Stop("numbers.delete", lambda c, j: c.numbers.delete(j.number_id(j.numbers[0]))),
    Stop("numbers.release", lambda c, j: c.numbers.release(j.number_id(j.numbers[1]))),
    Stop("trunks.delete", lambda c, j: c.trunks.delete(j.gave["trunks.create"].trunk_id)),
    Stop("telephony.trunks.delete", lambda c, j: c.telephony.trunks.delete(j.gave["telephony.trunks.create"].id)),
    Stop("agents.delete", lambda c, j: c.agents.delete(j.second_agent_id)),
)

_MERGE = 'two rooms cannot be made one: bring the second person into the call by `sessions.transfer` with `mode="warm"`'
_TOOLS = "tools are the agent's own: call them in its code"
_WORDS = "what an agent hears and says is its own: instructions of the call, or a voice of the deployment"
_BLOCKS = "an agent reports outcomes itself, checked against its JSON Schema: `analytics.for_call`"

NOT_SERVED: dict[Stop, str] = {
    Stop("sessions.merge", lambda c, _j: c.sessions.merge("s1", ["s2"])): _MERGE,
    Stop("tools.list", lambda c, _j: c.tools.list()): _TOOLS,
    Stop("tools.list_custom", lambda c, _j: c.tools.list_custom()): _TOOLS,
    Stop("tools.create", lambda c, _j: c.tools.create("t", url="https://example.com")): _TOOLS,
    Stop("tools.attach", lambda c, j: c.tools.attach("t", j.agent_id)): _TOOLS,
    Stop("tools.detach", lambda c, j: c.tools.detach("t", j.agent_id)): _TOOLS,
    Stop("tools.delete", lambda c, _j: c.tools.delete("t")): _TOOLS,
    Stop("domain_dictionaries.list", lambda c, _j: c.domain_dictionaries.list()): _WORDS,
    Stop("domain_dictionaries.get", lambda c, _j: c.domain_dictionaries.get("banking")): _WORDS,
    Stop("domain_dictionaries.upsert", lambda c, _j: c.domain_dictionaries.upsert("banking")): _WORDS,
    Stop("domain_dictionaries.clone", lambda c, _j: c.domain_dictionaries.clone("banking", "mine")): _WORDS,
    Stop("domain_dictionaries.attach", lambda c, j: c.domain_dictionaries.attach("banking", j.agent_id)): _WORDS,
    Stop("domain_dictionaries.detach", lambda c, j: c.domain_dictionaries.detach("banking", j.agent_id)): _WORDS,
    Stop("domain_dictionaries.delete", lambda c, _j: c.domain_dictionaries.delete("banking")): _WORDS,
    Stop("analytics.list", lambda c, _j: c.analytics.list()): _BLOCKS,
    Stop("analytics.templates", lambda c, _j: c.analytics.templates()): _BLOCKS,
    Stop("analytics.create", lambda c, _j: c.analytics.create("b", "Was it good?")): _BLOCKS,
    Stop("analytics.get", lambda c, _j: c.analytics.get("b")): _BLOCKS,
    Stop("analytics.update", lambda c, _j: c.analytics.update("b", name="c")): _BLOCKS,
    Stop("analytics.attach", lambda c, j: c.analytics.attach("b", j.agent_id)): _BLOCKS,
    Stop("analytics.detach", lambda c, j: c.analytics.detach("b", j.agent_id)): _BLOCKS,
    Stop("analytics.results", lambda c, _j: c.analytics.results("b")): _BLOCKS,
    Stop("analytics.results_table", lambda c, _j: c.analytics.results_table("b")): _BLOCKS,
    Stop("analytics.list_results", lambda c, _j: c.analytics.list_results()): _BLOCKS,
    Stop("analytics.delete", lambda c, _j: c.analytics.delete("b")): _BLOCKS,
}
"""What is out of scope, with what to use instead."""

SERVED = (*SET_UP, *CALLING, *CLEARING_UP)
