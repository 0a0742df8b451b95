"""The body of a request for a transfer, as the SDK 0.5.0 sends it, and what it may say besides."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ringline.calls.model.timing import LONGEST_HANDOFF_S, MS_PER_S

type Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]

MOST_FALLBACKS = 5


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TransferTarget(_Body):
    """To whom: `sip` with a `number`, or `agent` with an `agent_id`. The SDK knows `webrtc` and `livekit` too; nobody
    can be called so, and both are refused."""

    type: Literal["sip", "agent", "webrtc", "livekit"]
    config: Annotated[dict[str, Any], Field(examples=[{"number": "+15550100200"}])] = Field(default_factory=dict)


class TransferRequest(_Body):
    """`cold` sends the phone away, `warm` calls the target into the room. After `warm_handoff_ms` together the agent is
    released, or whoever `drop_participant_id` names; null leaves that to the agent. If the target does not come, the
    targets of `fallback` follow, and `end` among them ends the call."""

    to: TransferTarget
    mode: Literal["cold", "warm"] = "cold"
    warm_handoff_ms: Annotated[int, Field(ge=0, le=LONGEST_HANDOFF_S * MS_PER_S)] | None = 0
    drop_participant_id: Text | None = None
    announcement: Annotated[str, StringConstraints(max_length=1000)] | None = None
    fallback: (
        Literal["end"] | Annotated[list[TransferTarget | Literal["end"]], Field(max_length=MOST_FALLBACKS)] | None
    ) = None
