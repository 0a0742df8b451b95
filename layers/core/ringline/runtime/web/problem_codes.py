"""Every code that the API refuses with: its status, and what it means to whoever reads it.

No function loads this. The API's document and its reference page are made of it, and
tests/unit/house/test_problem_codes.py holds it against what the product raises: a code that is missing here fails, and
so does one that nothing raises.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Meaning(NamedTuple):
    """The status that a code always comes with, and one sentence."""

    status: int
    says: str


PROBLEMS: Mapping[str, Meaning] = {
    # The request itself
    "unreadable_body": Meaning(400, "The body is not what its encoding says."),
    "body_not_json": Meaning(400, "The body is not JSON."),
    "body_not_an_object": Meaning(400, "The body is JSON, and not an object."),
    "body_too_deep": Meaning(400, "Objects and arrays of the body lie deeper within each other than 32."),
    "body_too_large": Meaning(413, "The body is larger than this route takes."),
    "invalid_request": Meaning(422, "A field or a parameter is wrong; `errors` names each."),
    "no_such_route": Meaning(404, "Nothing is served at this path, or not by this method."),
    "revision_conflict": Meaning(
        412, "It was changed since the revision that `If-Match` names. Read it, and try again."
    ),
    "not_served": Meaning(501, "The SDK knows it, and it is out of scope here. `help` leads to what to use instead."),
    "internal_error": Meaning(500, "Something failed on our side. The request can be sent again."),
    # Who asks
    "missing_api_key": Meaning(401, "The request bears no API key."),
    "invalid_api_key": Meaning(401, "The API key is unknown, or no longer valid."),
    "address_not_allowed": Meaning(403, "The API key has `allowed_ip_ranges`, and the request comes from elsewhere."),
    "beyond_own_end": Meaning(
        403, "The API key that you ask with has an end, and gives no key that is good beyond it. Name one before it."
    ),
    "beyond_own_ranges": Meaning(
        403, "The API key asked with has `allowed_ip_ranges`, and may give no key that is good elsewhere."
    ),
    "would_lock_out": Meaning(
        409, "The ranges leave out the address that the request came from, and it bears this very key. `force` does it."
    ),
    "org_mismatch": Meaning(403, "The header `Org-Handle` does not name the account of the API key."),
    "scope_missing": Meaning(403, "The API key has scopes, and not the one that this needs, or gives."),
    "invalid_token": Meaning(401, "The token does not speak for this call, or no longer."),
    "not_livekit": Meaning(401, "The request is not proven to come from LiveKit."),
    "not_the_carrier": Meaning(401, "The request is not proven to come from the carrier, and now."),
    # Limits: each of them comes with `Retry-After`
    "rate_limited": Meaning(429, "The API key has made as many requests as it may in a minute."),
    "daily_cap_reached": Meaning(429, "The account has used up its calls, minutes or new numbers of this day (UTC)."),
    "queue_full": Meaning(429, "As many calls of the account wait as may."),
    # Calls
    "call_not_found": Meaning(404, "The account has no such call."),
    "session_not_found": Meaning(404, "The account has no such session."),
    "no_pipe_or_agent": Meaning(422, "The call names neither a pipe nor an agent."),
    "unknown_pipe": Meaning(422, "The account has no such pipe."),
    "unknown_agent": Meaning(422, "The account has no such agent."),
    "no_from_number": Meaning(
        422, "The call names no number to be made from, and its pipe, its agent and its account have none."
    ),
    "unknown_from_number": Meaning(422, "The number to call from is none of the account's."),
    "destination_not_allowed": Meaning(403, "The number lies where the account may not call."),
    "idempotency_key_reused": Meaning(422, "The key was used within 24 hours for another body."),
    "call_not_active": Meaning(409, "The call is not active: it has not begun, or is over."),
    "call_not_recorded": Meaning(409, "The call is not to be recorded, so there is no recording to pause."),
    "too_many_segments": Meaning(409, "The recording of this call was paused as often as it may be."),
    "no_agent_in_room": Meaning(409, "No agent is in the room of the call at this moment."),
    "no_phone_in_call": Meaning(
        409, "The other side of the call is a browser, which takes no tones, and cannot be sent to a number."
    ),
    "agent_cannot_send_dtmf": Meaning(409, "The agent has not said that it can send tones."),
    "whisper_not_enforceable": Meaning(422, "LiveKit cannot be told in time who may hear a voice; nobody can whisper."),
    "livekit_unavailable": Meaning(503, "LiveKit could not be asked. Ask again."),
    # Transfers
    "transfer_not_found": Meaning(404, "The call has no such transfer."),
    "handed_over": Meaning(403, "The agent that asks has handed the call over, or has not taken it in time."),
    "transfer_under_way": Meaning(409, "Another transfer of this call is under way."),
    "too_many_transfers": Meaning(409, "The call has had as many transfers as it may have."),
    "transfer_not_allowed": Meaning(422, "The call's pipe does not allow transfers to this number."),
    "transfer_target_not_served": Meaning(422, "Nobody can be called by this kind of target."),
    # Pipes, agents and voices
    "pipe_not_found": Meaning(404, "The account has no such pipe."),
    "pipe_exists": Meaning(409, "The account has a pipe of this id."),
    "pipe_disabled": Meaning(422, "No calls are made through the pipe: it is disabled."),
    "agent_not_found": Meaning(404, "The account has no such agent."),
    "agent_exists": Meaning(409, "The account has an agent of this id."),
    "voice_not_found": Meaning(404, "The agent has no such voice."),
    "voice_exists": Meaning(409, "The agent speaks with this voice already."),
    "too_many_voices": Meaning(409, "The agent has as many voices as it may have."),
    "no_such_voice_profile": Meaning(404, "The deployment has no such voice."),
    "voice_profile_not_found": Meaning(422, "The voice that is named is none of this deployment's."),
    "agent_name_taken": Meaning(409, "An agent of another account is dispatched under this name."),
    "overflow_chained": Meaning(422, "Callers would go on from number to number; they are passed on once."),
    "unknown_number": Meaning(422, "The number is none of the account's."),
    "unknown_trunk": Meaning(422, "The trunk is none of the account's."),
    "in_use": Meaning(409, "It is used by what `errors` names, and cannot be deleted."),
    # API keys
    "key_not_found": Meaning(404, "The account has no such API key."),
    "key_is_over": Meaning(409, "The API key is revoked or expired, or was rotated before."),
    "too_many_keys": Meaning(409, "The account has as many valid API keys as it may have."),
    # What agents and speech workers ask
    "call_is_over": Meaning(409, "The call, or this attempt of it, needs no brain any more."),
    "agent_is_gone": Meaning(409, "The agent of this call is not set up any more."),
    "key_not_opened": Meaning(409, "The stack cannot open the key of the agent's endpoint: give it again."),
    "no_brain_to_give": Meaning(409, "The agent of this call thinks for itself."),
    "contended": Meaning(503, "Too many changes came at once. Ask again."),
    "not_persisted": Meaning(503, "What was sent was not persisted. Send it again."),
    # Webhook endpoints
    "endpoint_not_found": Meaning(404, "The account has no such webhook endpoint."),
    "rotated_meanwhile": Meaning(409, "Another rotation of the endpoint's secret was asked for at the same time."),
    "too_many_secrets": Meaning(409, "As many secrets sign for the endpoint as may: wait for one to end."),
    "delivery_not_found": Meaning(404, "The account has no such delivery, or nobody has tried it yet."),
    "endpoint_disabled": Meaning(409, "The endpoint is disabled or deleted: nothing is sent to it."),
    "event_not_found": Meaning(404, "The account has no such event, or it is kept no longer."),
    "event_not_kept": Meaning(409, "The event is kept no longer, so nothing can be sent again."),
    "replay_not_found": Meaning(404, "The endpoint has no such replay."),
    "replay_running": Meaning(409, "A replay of this endpoint is under way. Stop it, or wait for its end."),
    "call_not_over": Meaning(409, "The call is not over, and its content is still coming. End it first."),
    "recording_not_finished": Meaning(409, "A file of the call's recording is still being written. Ask again later."),
    "too_many_endpoints": Meaning(409, "The account has as many webhook endpoints as it may have."),
    "calls_endpoint_exists": Meaning(409, "The account has an endpoint for the `webhook_url` of calls already."),
    "url_of_each_call": Meaning(409, "Each call names the URL of this endpoint: there is none to send a test to."),
    "no_endpoint_for_calls": Meaning(
        422, "No endpoint of the account signs for the `webhook_url` of calls: make one with the target `call`."
    ),
    # Numbers and trunks
    "number_not_found": Meaning(404, "The account has no such number."),
    "number_taken": Meaning(409, "The number belongs to another account of this deployment."),
    "number_exists": Meaning(409, "The account has the number already, set up otherwise."),
    "number_already_assigned": Meaning(409, "The number is attached to another agent or pipe."),
    "not_attached": Meaning(409, "The number is attached to nobody."),
    "no_decision_url": Meaning(409, "The number has no `decision_url`, and so no secret to make anew."),
    "number_in_use": Meaning(
        409, "Pipes or agents call from the number, or callers of other numbers go on to it; `errors` names each."
    ),
    "no_number_changed": Meaning(400, "Nothing became of any number of the request; `errors` says why of each."),
    "trunk_not_found": Meaning(404, "The account has no such trunk."),
    "trunk_in_use": Meaning(409, "The trunk has numbers; `errors` names each."),
    "unknown_provider_trunk": Meaning(422, "LiveKit has no such trunk."),
    "provider_trunk_taken": Meaning(409, "The trunk of LiveKit's is used for somebody else."),
    "busy_at_livekit": Meaning(409, "Another request is setting the same up at LiveKit. Ask again."),
    "livekit_refused": Meaning(409, "LiveKit refused what the request needs; `errors` has its words."),
    "livekit_away": Meaning(503, "LiveKit did not answer. The same request, sent again, goes on from there."),
    # Hooks of LiveKit and of carriers
    "unknown_provider": Meaning(404, "There is no hook for this carrier."),
    "hook_not_configured": Meaning(404, "This deployment has no secret to verify this carrier by."),
    "call_not_known_yet": Meaning(503, "Nothing has told yet whose call this is. Send the event again."),
    "unreadable_event": Meaning(400, "The body is not an event of LiveKit."),
    # What the operator's command line is told
    "account_not_found": Meaning(404, "There is no such account."),
    "account_exists": Meaning(409, "There is an account with this id."),
    "account_busy": Meaning(503, "The cap was not changed, because too many calls were passing the gate. Try again."),
}
