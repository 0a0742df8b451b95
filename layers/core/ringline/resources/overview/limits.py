"""The limits that every account has, for its page: each is the constant that holds it."""


def limits() -> dict[str, int]:
    """By the names of the page. What holds them is loaded with the first page: most of what is asked needs none."""
    from ringline.accounts.bodies import MOST_RANGES
    from ringline.accounts.manage import MOST_KEYS
    from ringline.calls.model.retries import MOST_ATTEMPTS
    from ringline.calls.model.timing import LONGEST_CALL_DURATION_S, MAX_AGENT_JOIN_S, MAX_RING_TIMEOUT_S
    from ringline.calls.model.transfers.transfer import MOST_TRANSFERS
    from ringline.calls.outcomes.keep import MOST_OUTCOMES
    from ringline.calls.rules.kept_rules import MOST_SEGMENTS
    from ringline.calls.signals.agent_reports import MOST_CHANGES
    from ringline.runtime.web.asked import MAX_LIMIT
    from ringline.runtime.web.http import MAX_BODY_BYTES
    from ringline.setup.agents import MOST_VOICES
    from ringline.webhooks.manage import MAX_ENDPOINTS, MOST_SECRETS

    return {
        "attempts_of_a_call": MOST_ATTEMPTS,
        "call_duration_s": LONGEST_CALL_DURATION_S,
        "ring_timeout_s": MAX_RING_TIMEOUT_S,
        "agent_join_timeout_s": MAX_AGENT_JOIN_S,
        "transfers_of_a_call": MOST_TRANSFERS,
        "recording_pauses_of_a_call": MOST_SEGMENTS,
        "reported_changes_of_a_dial": MOST_CHANGES,
        "outcomes_of_a_dial": MOST_OUTCOMES,
        "api_keys": MOST_KEYS,
        "ip_ranges_of_a_key": MOST_RANGES,
        "voices_of_an_agent": MOST_VOICES,
        "webhook_endpoints": MAX_ENDPOINTS,
        "secrets_of_an_endpoint": MOST_SECRETS,
        "rows_of_a_page": MAX_LIMIT,
        "body_bytes": MAX_BODY_BYTES,
    }
