"""The webhook endpoints' API, event by event."""

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from ringline.runtime.vault.kept import sealer
from ringline.runtime.web.problems import Problem
from ringline.webhooks.bodies import EndpointRequest, SecretRotation
from ringline.webhooks.manage import MAX_ENDPOINTS, ManageEndpoints
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS, Endpoint
from ringline.webhooks.model.replay import Replay, ReplayOf
from ringline.webhooks.model.schedule import LADDER_MS
from ringline.webhooks.replays import Wanted
from ringline.webhooks.secrets import EndpointSecrets
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.replays import ReplayStore
from tests.builders import NOW
from tests.component.one_table import LocalAws, load_handler, local_aws, log_of
from tests.fakes import CONTEXT
from tests.sample_events import event_of
from tests.unit.webhooks.webhook_fakes import an_endpoint

ACCOUNT = "acct_0a1b2c3d"

NOT_NEEDED = {
    "DOORBELL_QUEUE_URL": "http://127.0.0.1:9/doorbells",
    "LIVEKIT_URL": "http://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
}

type Ask = Callable[..., tuple[int, Any]]


def load_manage(**environment: str) -> ModuleType:
    return load_handler("manage", NOT_NEEDED | environment)


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws


@pytest.fixture
def ask(aws: LocalAws) -> Ask:
    """Sends one of the function's events and gives status and document of the answer."""
    handler = load_manage(DELIVERY_QUEUE_URL=aws.queue_url)

    def send(
        case: str,
        *,
        body: Any = ...,
        endpoint_id: str | None = None,
        account_id: str = ACCOUNT,
        if_match: str | None = None,
    ) -> tuple[int, Any]:
        event = event_of("manage", case)
        if if_match is not None:
            event["headers"]["if-match"] = if_match
        event["requestContext"]["authorizer"]["lambda"]["account_id"] = account_id
        if body is not ...:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        if endpoint_id is not None:
            path = event["rawPath"].replace("ep_01KAJ0000000000000000000AA", endpoint_id)
            event["rawPath"] = event["requestContext"]["http"]["path"] = path
        answer = handler.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else None

    return send


def opened(aws: LocalAws, endpoint_id: str) -> Endpoint:
    """The endpoint as its deliveries know it."""
    kept = EndpointStore(aws.dynamodb, aws.table_name).endpoint(ACCOUNT, endpoint_id)
    assert kept is not None
    return EndpointSecrets(sealer).opened(ACCOUNT, kept)


def test_a_new_endpoint_shows_its_secret_once(ask: Ask) -> None:
    status, created = ask("create_endpoint")
    assert status == 201
    assert (created["url"], created["event_types"]) == (
        "https://hooks.example.com/ringline",
        ["call_active", "call_end"],
    )
    assert created["secret"].startswith("whsec_")
    _, read = ask("get_endpoint", endpoint_id=created["endpoint_id"])
    assert read == {name: value for name, value in created.items() if name != "secret"}


def test_by_default_an_endpoint_is_told_the_end_of_each_call(ask: Ask) -> None:
    _, created = ask("create_endpoint", body={"url": "https://hooks.example.com/"})
    assert created["event_types"] == ["call_end"]


def test_the_list_has_the_sdks_envelope_and_no_secrets(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    status, listed = ask("list_endpoints")
    assert (status, listed["status_code"], listed["pagination"]) == (200, 200, {"next_cursor": None, "has_more": False})
    assert [each["endpoint_id"] for each in listed["data"]] == [created["endpoint_id"]]
    assert created["secret"] not in json.dumps(listed)


def test_a_change_keeps_what_it_does_not_name(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    status, changed = ask("change_endpoint", endpoint_id=created["endpoint_id"])
    assert status == 200
    assert (changed["event_types"], changed["disabled"]) == (["call_end"], True)
    assert (changed["url"], changed["description"]) == (created["url"], "CRM")
    _, enabled = ask(
        "change_endpoint", body={"disabled": False, "description": None}, endpoint_id=created["endpoint_id"]
    )
    assert (enabled["disabled"], enabled["disabled_at"], enabled["disabled_reason"]) == (False, None, None)
    assert enabled["description"] is None


def test_a_change_leaves_the_secret_as_it_is(ask: Ask, aws: LocalAws) -> None:
    _, created = ask("create_endpoint")
    ask("change_endpoint", endpoint_id=created["endpoint_id"])
    assert opened(aws, created["endpoint_id"]).secrets == (created["secret"],)


def test_a_change_is_made_on_the_revision_it_names_or_not_at_all(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    name, revision = created["endpoint_id"], created["revision"]
    status, changed = ask("change_endpoint", body={"description": "A"}, endpoint_id=name, if_match=f'"{revision}"')
    assert (status, changed["revision"]) == (200, revision + 1)
    status, problem = ask("change_endpoint", body={"description": "B"}, endpoint_id=name, if_match=f'"{revision}"')
    assert (status, problem["code"]) == (412, "revision_conflict")
    assert ask("get_endpoint", endpoint_id=name)[1] == changed
    # What stands already is no conflict, and no new revision.
    again = ask("change_endpoint", body={"description": "A"}, endpoint_id=name, if_match=f'"{revision}"')
    assert again == (200, changed)


def test_a_deletion_is_made_on_the_revision_it_names_or_not_at_all(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    name = created["endpoint_id"]
    _, changed = ask("change_endpoint", body={"description": "A"}, endpoint_id=name)
    status, problem = ask("delete_endpoint", endpoint_id=name, if_match=f'"{created["revision"]}"')
    assert (status, problem["code"]) == (412, "revision_conflict")
    assert ask("delete_endpoint", endpoint_id=name, if_match=f'"{changed["revision"]}"') == (204, None)


def test_each_answer_that_shows_an_endpoint_bears_its_etag(aws: LocalAws) -> None:
    answer = load_manage().lambda_handler(event_of("manage", "create_endpoint"), CONTEXT)
    etag = next(value for name, value in answer["headers"].items() if name.lower() == "etag")
    assert etag == f'"{json.loads(answer["body"])["revision"]}"'


def test_the_values_of_headers_are_kept_and_never_shown(ask: Ask, aws: LocalAws) -> None:
    headers = {"X-Tenant": "acme", "Authorization": "Bearer of-the-gateway"}
    _, created = ask("create_endpoint", body={"url": "https://hooks.example.com/", "headers": headers})
    name = created["endpoint_id"]
    assert created["header_names"] == ["Authorization", "X-Tenant"]
    assert "of-the-gateway" not in json.dumps([created, ask("list_endpoints"), ask("get_endpoint", endpoint_id=name)])
    assert dict(opened(aws, name).headers) == headers
    _, stayed = ask("change_endpoint", body={"description": "A"}, endpoint_id=name)
    assert stayed["header_names"] == ["Authorization", "X-Tenant"]
    _, replaced = ask("change_endpoint", body={"headers": {"X-B": "b"}}, endpoint_id=name)
    assert replaced["header_names"] == ["X-B"]
    _, removed = ask("change_endpoint", body={"headers": None}, endpoint_id=name)
    assert removed["header_names"] == []


def test_headers_go_with_a_url_of_another_server_because_they_were_given_for_the_one_before(ask: Ask) -> None:
    """Or else a stolen key would read them, at a server of its own."""
    headers = {"Authorization": "Bearer of-the-gateway"}
    _, created = ask("create_endpoint", body={"url": "https://hooks.example.com/", "headers": headers})
    name = created["endpoint_id"]
    _, same = ask("change_endpoint", body={"url": "https://hooks.example.com/other?path=1"}, endpoint_id=name)
    assert same["header_names"] == ["Authorization"]
    for url in ("https://hooks.example.com:8443/", "https://thief.example/"):
        _, moved = ask("change_endpoint", body={"url": url}, endpoint_id=name)
        assert moved["header_names"] == []
        _, given = ask(
            "change_endpoint", body={"url": "https://hooks.example.com/", "headers": headers}, endpoint_id=name
        )
        assert given["header_names"] == ["Authorization"]


def test_filters_are_kept_shown_and_taken_back(ask: Ask, aws: LocalAws) -> None:
    filters = {
        "pipe_ids": ["sales"],
        "agent_ids": [],
        "directions": ["inbound"],
        "metadata": {"team": "emea", "vip": True, "n": 1},
    }
    _, created = ask("create_endpoint", body={"url": "https://hooks.example.com/", "filters": filters})
    name = created["endpoint_id"]
    assert ask("get_endpoint", endpoint_id=name)[1]["filters"] == created["filters"] == filters
    kept = EndpointStore(aws.dynamodb, aws.table_name).endpoint(ACCOUNT, name)
    assert kept is not None and kept.filters.metadata["vip"] is True
    _, changed = ask("change_endpoint", body={"filters": {"agent_ids": ["anna"]}}, endpoint_id=name)
    assert changed["filters"] == {"pipe_ids": [], "agent_ids": ["anna"], "directions": [], "metadata": {}}
    _, removed = ask("change_endpoint", body={"filters": None}, endpoint_id=name)
    assert removed["filters"] == {"pipe_ids": [], "agent_ids": [], "directions": [], "metadata": {}}


def test_nothing_secret_lies_in_the_table_as_it_is(ask: Ask, aws: LocalAws) -> None:
    _, created = ask("create_endpoint", body={"url": "https://hooks.example.com/", "headers": {"X-Key": "of-theirs"}})
    _, rotated = ask("rotate_endpoint_secret", endpoint_id=created["endpoint_id"])
    rows = json.dumps(aws.items(), default=str)
    for secret in (created["secret"], rotated["secret"], "of-theirs"):
        assert secret.removeprefix("whsec_") not in rows


def test_a_rotated_secret_is_shown_once_and_both_sign_until_the_overlap_ends(ask: Ask, aws: LocalAws) -> None:
    _, created = ask("create_endpoint")
    name = created["endpoint_id"]
    status, rotated = ask("rotate_endpoint_secret", body={"grace_s": 3600}, endpoint_id=name)
    assert (status, rotated["revision"]) == (200, created["revision"] + 1)
    assert rotated["secret"].startswith("whsec_") and rotated["secret"] != created["secret"]
    assert opened(aws, name).secrets == (rotated["secret"], created["secret"])
    assert len(rotated["former_secrets_end_at"]) == 1
    _, shown = ask("get_endpoint", endpoint_id=name)
    assert shown == {name: value for name, value in rotated.items() if name != "secret"}
    _, at_once = ask("rotate_endpoint_secret", body={"grace_s": 0}, endpoint_id=name)
    assert opened(aws, name).secrets == (at_once["secret"], created["secret"])


@pytest.mark.parametrize("grace_s", [-1, 7 * 86_400 + 1, "3600", 1.5])
def test_an_overlap_is_at_most_a_week(ask: Ask, grace_s: Any) -> None:
    _, created = ask("create_endpoint")
    status, problem = ask("rotate_endpoint_secret", body={"grace_s": grace_s}, endpoint_id=created["endpoint_id"])
    assert (status, problem["errors"][0]["field"]) == (422, "grace_s")


def test_five_secrets_sign_at_most(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    answers = [ask("rotate_endpoint_secret", endpoint_id=created["endpoint_id"]) for _ in range(5)]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 409]
    assert answers[-1][1]["code"] == "too_many_secrets"


class NoReplays:
    """No endpoint is enabled after a pause."""

    def start(self, account_id: str, endpoint_id: str, wanted: Wanted) -> Replay:
        raise AssertionError(wanted)


def test_who_enables_an_endpoint_says_from_where_on_it_is_told(ask: Ask, aws: LocalAws) -> None:
    _, created = ask("create_endpoint")
    name = created["endpoint_id"]
    _, paused = ask("change_endpoint", body={"disabled": True}, endpoint_id=name)
    assert paused["paused_at"] == paused["disabled_at"]
    _, silent = ask("change_endpoint", body={"disabled": False}, endpoint_id=name)
    assert "replay_id" not in silent
    assert (silent["disabled"], silent["paused_at"]) == (False, paused["paused_at"])
    status, resumed = ask("change_endpoint", body={"disabled": False, "resume_from": "pause"}, endpoint_id=name)
    assert status == 200, "whoever was cut off says it again, and it goes on"
    replays = ReplayStore(aws.dynamodb, aws.table_name)
    replay = replays.replay(ACCOUNT, name, resumed["replay_id"])
    assert replay is not None and replay.only is ReplayOf.FAILED
    status, problem = ask("change_endpoint", body={"disabled": False, "resume_from": 3}, endpoint_id=name)
    assert (status, problem["code"]) == (409, "replay_running")


def test_a_pause_is_made_good_from_what_was_still_being_tried_when_it_began() -> None:
    asked: list[Wanted] = []

    class Replays(NoReplays):
        def start(self, account_id: str, endpoint_id: str, wanted: Wanted) -> Replay:
            asked.append(wanted)
            return Replay(
                account_id=account_id, endpoint_id=endpoint_id, replay_id="r", only=wanted.only,
                from_sequence=1, until_sequence=1, created_at=NOW, next_sequence=1,
            )  # fmt: skip

    unused: Any = None
    manage = ManageEndpoints(unused, unused, Replays(), lambda: NOW, allow_private=False)
    endpoint = Endpoint(endpoint_id="ep_1", url="https://a.example", secrets=("s",), created_at=NOW, paused_at=NOW)
    assert manage.resume(ACCOUNT, endpoint, "pause") == "r"
    assert manage.resume(ACCOUNT, endpoint, 12) == "r"
    assert manage.resume(ACCOUNT, endpoint, "now") is None
    assert [(each.since, each.from_sequence) for each in asked] == [
        (NOW - LADDER_MS - DISABLED_AFTER_MS, None),
        (None, 12),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"resume_from": "pause"},
        {"disabled": True, "resume_from": "pause"},
        {"disabled": False, "resume_from": "then"},
        {"disabled": False, "resume_from": 0},
        {"disabled": False, "resume_from": {}},
        {"disabled": False, "resume_from": 10**40},
        {"disabled": False, "resume_from": True},
    ],
)
def test_where_to_resume_is_said_while_enabling_alone(ask: Ask, body: dict[str, Any]) -> None:
    _, created = ask("create_endpoint")
    status, problem = ask("change_endpoint", body=body, endpoint_id=created["endpoint_id"])
    assert (status, problem["code"]) == (422, "invalid_request")


def test_that_an_endpoint_fails_is_noted_once_and_is_no_change_of_it(aws: LocalAws) -> None:
    store = EndpointStore(aws.dynamodb, aws.table_name)
    store.add(ACCOUNT, Endpoint(endpoint_id="ep_1", url="https://a.example", secrets=("s",), created_at=NOW))
    assert [store.note_failure(ACCOUNT, "ep_1", NOW + number) for number in (1, 2)] == [1, 2]
    assert store.note_failure(ACCOUNT, "ep_9", NOW) == 0
    (failing,) = store.endpoints(ACCOUNT)
    assert (failing.failing_since, failing.revision) == (NOW + 1, 1)
    store.note_working(ACCOUNT, "ep_1", NOW + 2)
    assert store.endpoints(ACCOUNT) == [failing]
    store.note_working(ACCOUNT, "ep_1", NOW + 1)
    (working,) = store.endpoints(ACCOUNT)
    assert (working.failing_since, working.failures) == (None, 0)


def test_a_circuit_opens_once_and_each_of_its_probes_is_claimed_by_one(aws: LocalAws) -> None:
    store = EndpointStore(aws.dynamodb, aws.table_name)
    store.add(ACCOUNT, Endpoint(endpoint_id="ep_1", url="https://a.example", secrets=("s",), created_at=NOW))
    store.open_circuit(ACCOUNT, "ep_1", NOW + 5)
    (never_failed,) = store.endpoints(ACCOUNT)
    assert never_failed.probe_at is None
    store.note_failure(ACCOUNT, "ep_1", NOW)
    store.open_circuit(ACCOUNT, "ep_1", NOW + 30)
    store.open_circuit(ACCOUNT, "ep_1", NOW + 99)
    assert store.note_failure(ACCOUNT, "ep_1", NOW + 1) == 0
    assert [store.claim_probe(ACCOUNT, "ep_1", NOW + 30, 1, NOW + 90) for _ in range(3)] == [True, False, False]
    (open_one,) = store.endpoints(ACCOUNT)
    assert (open_one.probe_at, open_one.probes, open_one.failures) == (NOW + 90, 1, 1)
    store.note_noticed(ACCOUNT, "ep_1", NOW, 50)
    store.note_working(ACCOUNT, "ep_1", NOW)
    (working,) = store.endpoints(ACCOUNT)
    assert working == open_one.mended()


def test_limits_are_set_changed_and_taken_off(ask: Ask) -> None:
    _, created = ask("create_endpoint", body={"url": "https://hooks.example.com/x", "max_per_second": 5})
    assert (created["max_per_second"], created["max_parallel"]) == (5, None)
    named = {"endpoint_id": created["endpoint_id"]}
    _, changed = ask("change_endpoint", body={"max_parallel": 2}, **named)
    assert (changed["max_per_second"], changed["max_parallel"]) == (5, 2)
    _, changed = ask("change_endpoint", body={"max_per_second": None}, **named)
    assert (changed["max_per_second"], changed["max_parallel"]) == (None, 2)


@pytest.mark.parametrize("field", ["max_per_second", "max_parallel"])
@pytest.mark.parametrize("value", [0, 101, 1.5, "5", True])
def test_a_limit_that_is_none_is_refused_by_its_name(ask: Ask, field: str, value: Any) -> None:
    status, problem = ask("create_endpoint", body={"url": "https://hooks.example.com/x", field: value})
    assert (status, [each["field"] for each in problem["errors"]]) == (422, [field])


def test_of_two_rotations_at_once_one_is_made_and_one_is_refused(aws: LocalAws) -> None:
    store = EndpointStore(aws.dynamodb, aws.table_name)
    manage = ManageEndpoints(store, EndpointSecrets(sealer), NoReplays(), lambda: NOW, allow_private=False)
    endpoint, _ = manage.create(ACCOUNT, EndpointRequest(url="https://hooks.example.com/"))

    class Overtaken(EndpointStore):
        """Before the first write another rotation is made."""

        def replace(self, account_id: str, endpoint: Endpoint) -> bool:
            manage.rotate(ACCOUNT, endpoint.endpoint_id, SecretRotation(), None)
            return super().replace(account_id, endpoint)

    late = ManageEndpoints(
        Overtaken(aws.dynamodb, aws.table_name), EndpointSecrets(sealer), NoReplays(), lambda: NOW, allow_private=False
    )
    with pytest.raises(Problem) as refused:
        late.rotate(ACCOUNT, endpoint.endpoint_id, SecretRotation(), None)
    assert (refused.value.status, refused.value.code) == (409, "rotated_meanwhile")
    kept = store.endpoint(ACCOUNT, endpoint.endpoint_id)
    assert kept is not None and len(kept.secrets) == 2


class AnswerLost(EndpointStore):
    """The first change is written, and the request that is made again for its answer meets the new revision."""

    lost = False

    def replace(self, account_id: str, endpoint: Endpoint) -> bool:
        is_written = super().replace(account_id, endpoint)
        first, self.lost = not self.lost, True
        return is_written and not first


@pytest.mark.parametrize("wanted", [None, 1])
def test_a_rotation_whose_answer_got_lost_on_the_way_shows_the_secret_that_signs(
    aws: LocalAws, wanted: int | None
) -> None:
    store, secrets = EndpointStore(aws.dynamodb, aws.table_name), EndpointSecrets(sealer)
    store.add(ACCOUNT, an_endpoint(endpoint_id="ep_1"))
    manage = ManageEndpoints(
        AnswerLost(aws.dynamodb, aws.table_name), secrets, NoReplays(), lambda: NOW, allow_private=False
    )
    endpoint, shown = manage.rotate(ACCOUNT, "ep_1", SecretRotation(), wanted)
    assert secrets.opened(ACCOUNT, endpoint).secrets[0] == shown
    assert store.endpoint(ACCOUNT, "ep_1") == endpoint
    assert (endpoint.revision, len(endpoint.secrets)) == (2, 2)


def test_an_asymmetric_endpoint_shows_its_public_key_and_never_the_private_one(ask: Ask, aws: LocalAws) -> None:
    _, created = ask("create_endpoint", body={"url": "https://hooks.example.com/", "signature": "v1a"})
    assert created["public_keys"] == [created["secret"]]
    assert created["secret"].startswith("whpk_")
    (private,) = opened(aws, created["endpoint_id"]).secrets
    assert private.startswith("whsk_")
    assert private not in json.dumps([created, ask("get_endpoint", endpoint_id=created["endpoint_id"])])


def test_a_secret_that_an_earlier_release_kept_as_it_is_signs_and_is_sealed_with_the_next_change(
    ask: Ask, aws: LocalAws
) -> None:
    plain = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    store = EndpointStore(aws.dynamodb, aws.table_name)
    store.add(ACCOUNT, Endpoint(endpoint_id="ep_1", url="https://a.example", secrets=(plain,), created_at=NOW))
    assert opened(aws, "ep_1").secrets == (plain,)
    assert ask("change_endpoint", body={"description": "CRM"}, endpoint_id="ep_1")[0] == 200
    assert opened(aws, "ep_1").secrets == (plain,)
    assert plain not in json.dumps(aws.items(), default=str)


def test_a_deleted_endpoint_is_gone(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    assert ask("delete_endpoint", endpoint_id=created["endpoint_id"]) == (204, None)
    status, problem = ask("delete_endpoint", endpoint_id=created["endpoint_id"])
    assert (status, problem["code"]) == (404, "endpoint_not_found")


def set_up(aws: LocalAws) -> list[dict[str, Any]]:
    """All that is kept but who asked for what."""
    return [item for item in aws.items() if not item["pk"].endswith("#AUDIT")]


@pytest.mark.parametrize("case", ["get_endpoint", "change_endpoint", "delete_endpoint"])
def test_another_accounts_endpoint_is_not_found(ask: Ask, case: str, aws: LocalAws) -> None:
    _, created = ask("create_endpoint")
    before = set_up(aws)
    status, problem = ask(case, endpoint_id=created["endpoint_id"], account_id="acct_other")
    assert (status, problem["code"]) == (404, "endpoint_not_found")
    assert set_up(aws) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 7}, "url"),
        ({"url": "hooks.example.com"}, "url"),
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url"),
        ({"url": "https://user:secret@hooks.example.com/"}, "url"),
        ({"url": "https://hooks.example.com/", "event_types": ["call_sneezed"]}, "event_types.0"),
        ({"url": "https://hooks.example.com/", "event_types": []}, "event_types"),
        ({"url": "https://hooks.example.com/", "event_types": "call_end"}, "event_types"),
        ({"url": "https://hooks.example.com/", "description": "x" * 201}, "description"),
        ({"url": "https://hooks.example.com/", "secret": "whsec_mine"}, "secret"),
        ({"url": "https://hooks.example.com/", "headers": {"Webhook-Signature": "v1,forged"}}, "headers"),
        ({"url": "https://hooks.example.com/", "filters": {"directions": ["sideways"]}}, "filters.directions.0"),
        ({"url": "https://hooks.example.com/", "filters": {"tags": {}}}, "filters.tags"),
        ({"url": "https://hooks.example.com/", "headers": {"Transfer-Encoding": "chunked"}}, "headers"),
        ({"url": "https://hooks.example.com/", "headers": {"X-A": "b\r\nHost: c"}}, "headers"),
        ({"url": "https://hooks.example.com/", "headers": {"X-A": "b", "x-a": "c"}}, "headers"),
        ({"url": "https://hooks.example.com/", "headers": {f"X-{n}": "b" for n in range(11)}}, "headers"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(
    ask: Ask, aws: LocalAws, body: dict[str, Any], field: str
) -> None:
    status, problem = ask("create_endpoint", body=body)
    assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "invalid_request", field)
    assert set_up(aws) == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [("{", 400, "body_not_json"), ("[]", 400, "body_not_an_object"), ('"' + "x" * 70_000 + '"', 413, "body_too_large")],
)
def test_a_body_that_is_none_is_refused(ask: Ask, aws: LocalAws, body: str, status: int, code: str) -> None:
    answer_status, problem = ask("create_endpoint", body=body)
    assert (answer_status, problem["code"]) == (status, code)
    assert set_up(aws) == []


def test_a_change_checks_its_url_too(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    status, problem = ask("change_endpoint", body={"url": "https://10.0.0.1/"}, endpoint_id=created["endpoint_id"])
    assert (status, problem["errors"][0]["field"]) == (422, "url")
    assert ask("get_endpoint", endpoint_id=created["endpoint_id"])[1]["url"] == created["url"]


def test_doubled_event_types_count_once(ask: Ask) -> None:
    body = {"url": "https://hooks.example.com/", "event_types": ["call_end", "call_end"]}
    assert ask("create_endpoint", body=body)[1]["event_types"] == ["call_end"]


def test_an_account_has_a_bounded_number_of_endpoints(ask: Ask) -> None:
    for _ in range(MAX_ENDPOINTS):
        assert ask("create_endpoint")[0] == 201
    status, problem = ask("create_endpoint")
    assert (status, problem["code"]) == (409, "too_many_endpoints")
    assert ask("create_endpoint", account_id="acct_other")[0] == 201


def test_without_a_good_key_nothing_is_done(aws: LocalAws) -> None:
    event = event_of("manage", "create_endpoint")
    event["requestContext"]["authorizer"]["lambda"] = {"refusal": "invalid_key"}
    answer = load_manage().lambda_handler(event, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, "invalid_api_key")
    assert set_up(aws) == []


def test_the_one_machine_stack_may_call_itself(aws: LocalAws) -> None:
    handler = load_manage(ALLOW_PRIVATE_WEBHOOKS="true")
    event = event_of("manage", "create_endpoint") | {"body": json.dumps({"url": "http://127.0.0.1:9000/hook"})}
    assert handler.lambda_handler(event, CONTEXT)["statusCode"] == 201


def test_no_secret_is_ever_logged(aws: LocalAws) -> None:
    handler = load_manage()
    with log_of("manage") as log:
        answer = handler.lambda_handler(event_of("manage", "create_endpoint"), CONTEXT)
    assert "webhook endpoint created" in log.getvalue()
    assert json.loads(answer["body"])["secret"] not in log.getvalue()
