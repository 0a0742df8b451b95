"""What the dialer's function must be told before it dials anybody."""

import asyncio

import pytest

from ringline.runtime.settings import SettingsError
from tests.component.one_table import LocalAws, load_handler

LIVEKIT = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32}


def environment(
    local: LocalAws, answer_from: str, carriers_report: str, link_carrier_calls: str = "false"
) -> dict[str, str]:
    names = ("DOORBELL_QUEUE_URL", "LOOK_QUEUE_URL", "DELIVERY_QUEUE_URL")
    queues = dict.fromkeys(names, local.queue_url)
    whom = {"SIP_TRUNK_ID": "ST_1", "AGENT_NAME": "ringline-agent"}
    carriers = {"CARRIERS_REPORT": carriers_report, "LINK_CARRIER_CALLS": link_carrier_calls}
    return {**queues, **LIVEKIT, **whom, "ANSWER_FROM": answer_from, **carriers}


@pytest.mark.parametrize("carriers_report", ["false", ""])
def test_where_the_carrier_is_to_tell_of_answers_and_no_carrier_is_believed_nothing_is_dialled(
    local: LocalAws, carriers_report: str
) -> None:
    with pytest.raises(SettingsError, match="ANSWER_FROM is carrier"):
        load_handler("dial_next", environment(local, "carrier", carriers_report))


@pytest.mark.parametrize(
    ("answer_from", "carriers_report", "link_carrier_calls"),
    [
        ("carrier", "true", "true"),
        ("carrier", "true", "false"),
        # As the release before was told.
        ("carrier", "", "true"),
        ("dialer", "false", "false"),
        ("dialer", "true", "false"),
        ("dialer", "true", "true"),
        ("", "", ""),
    ],
)
def test_any_others_of_these_settings_start(
    local: LocalAws, answer_from: str, carriers_report: str, link_carrier_calls: str
) -> None:
    handler = load_handler("dial_next", environment(local, answer_from, carriers_report, link_carrier_calls))

    async def links_of_the_dialer() -> object:
        async with handler.dialer() as dial_next:
            return dial_next.links

    assert (asyncio.run(links_of_the_dialer()) is not None) is (link_carrier_calls == "true")
