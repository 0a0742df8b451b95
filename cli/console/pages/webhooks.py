"""Webhooks: endpoints, the failing ones first, what is not delivered, and what is sent again."""

from cli.console.parts.asked import Answer, Asked, go_to
from cli.console.parts.html import page
from cli.console.parts.office import Office
from cli.console.parts.shell import shell_of
from cli.frame.moments import asked_moment
from cli.model.failures import Usage
from cli.reach.api import Document, segment

MOST_ROWS = 50


def webhooks(office: Office, asked: Asked) -> Answer:
    """All endpoints, and the deliveries that are on their way for too long or were given up."""
    shell = shell_of(office, asked, "webhooks")
    api = office.api(shell.account_id)
    endpoints = sorted(api.rows("/v1/webhook-endpoints"), key=_healthy)
    failing = api.page("/v1/webhook-deliveries", {"status": "failing", "limit": MOST_ROWS})
    given_up = api.page("/v1/webhook-deliveries", {"status": "gave_up", "limit": MOST_ROWS})
    return page("webhooks", shell=shell, endpoints=endpoints, failing=failing.rows, given_up=given_up.rows)


def endpoint(office: Office, asked: Asked) -> Answer:
    """One endpoint: how it fared, and its replays."""
    shell, endpoint_id = shell_of(office, asked, "webhooks"), asked.path[1]
    api = office.api(shell.account_id)
    of_it = f"/v1/webhook-endpoints/{segment(endpoint_id)}"
    return page(
        "endpoint",
        shell=shell,
        endpoint=api.get(of_it),
        statistics=api.get(f"{of_it}/statistics"),
        replays=list(api.rows(f"{of_it}/replays")),
    )


def delivery(office: Office, asked: Asked) -> Answer:
    """One delivery with its tries."""
    shell = shell_of(office, asked, "webhooks")
    found = office.api(shell.account_id).get(f"/v1/webhook-deliveries/{segment(asked.path[1])}")
    return page("delivery", shell=shell, delivery=found)


def redeliver(office: Office, asked: Asked) -> Answer:
    """Sends a delivery again."""
    shell, delivery_id = shell_of(office, asked, "webhooks"), asked.path[1]
    office.api(shell.account_id).post(f"/v1/webhook-deliveries/{segment(delivery_id)}/redeliver")
    return go_to(shell.to("deliveries", delivery_id, done="redeliver"))


def replay(office: Office, asked: Asked) -> Answer:
    """Sends an endpoint again what it has not taken, or everything, since a moment."""
    shell, endpoint_id = shell_of(office, asked, "webhooks"), asked.path[1]
    since = asked_moment("since", asked.form.get("since") or None, office.now_ms)
    if since is None:
        raise Usage("say since when", "since")
    body = {"since": since, "only": asked.form.get("only", "failed")}
    office.api(shell.account_id).post(f"/v1/webhook-endpoints/{segment(endpoint_id)}/replays", body)
    return go_to(shell.to("endpoints", endpoint_id, done="replay"))


def stop(office: Office, asked: Asked) -> Answer:
    """Stops a replay."""
    shell, endpoint_id = shell_of(office, asked, "webhooks"), asked.path[1]
    replays = f"/v1/webhook-endpoints/{segment(endpoint_id)}/replays"
    office.api(shell.account_id).post(f"{replays}/{segment(asked.path[3])}/stop")
    return go_to(shell.to("endpoints", endpoint_id, done="stop"))


def _healthy(endpoint: Document) -> tuple[bool, bool, str]:
    """What sorts the disabled first, then those that fail, the ones that fail for the longest before."""
    return not endpoint.get("disabled"), not endpoint.get("failing_since"), str(endpoint.get("failing_since") or "")
