"""Which scope lets a key read what: what was said in calls is read with calls:read alone."""

import pytest

from local.pages.openapi.document import routes
from ringline.runtime.web.scopes import Scope, scope_of

TELLS_OF_CALLS = {
    "account", "calls", "events", "recordings", "sessions", "transcripts", "webhook-deliveries",
}  # fmt: skip
TELLS_OF_SETUP = {
    "agents", "numbers", "pipes", "runners", "telephony", "trunks", "voice-profiles", "webhook-endpoints", "workers",
}  # fmt: skip
"""Nothing that these answer with was said in a call. Look at what a new one answers before you add it."""


@pytest.mark.parametrize(("scope", "things"), [(Scope.CALLS_READ, TELLS_OF_CALLS), (Scope.SETUP_READ, TELLS_OF_SETUP)])
def test_what_a_key_reads_with_a_scope_is_this_and_no_more(scope: Scope, things: set[str]) -> None:
    reads = [each for each in routes() if (each.method, each.proof) == ("GET", "api_key") and each.status != 501]
    assert {each.path.split("/")[2] for each in reads if each.scope is scope} == things


@pytest.mark.parametrize(
    "path", ["/v1/events", "/v1/events/evt_1", "/v1/webhook-deliveries", "/v1/webhook-deliveries/dlv_1"]
)
def test_events_and_what_servers_answered_to_them_are_read_as_calls_are(path: str) -> None:
    assert scope_of("GET", path) is Scope.CALLS_READ


def test_a_delivery_is_sent_again_by_who_sets_up_endpoints() -> None:
    assert scope_of("POST", "/v1/webhook-deliveries/dlv_1/redeliver") is Scope.SETUP_WRITE
