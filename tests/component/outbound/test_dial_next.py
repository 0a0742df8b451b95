"""What the dialer's function must be told before it dials anybody."""

import asyncio

import pytest

from ringline.runtime.settings import SettingsError
from tests.component.one_table import LocalAws, load_handler

LIVEKIT = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32}


def environment(local: LocalAws, answer_from: str, link_carrier_calls: str) -> dict[str, str]:
    names = ("DOORBELL_QUEUE_URL", "LOOK_QUEUE_URL", "DELIVERY_QUEUE_URL")
    queues = dict.fromkeys(names, local.queue_url)
    whom = {"SIP_TRUNK_ID": "ST_1", "AGENT_NAME": "ringline-agent"}
    return {**queues, **LIVEKIT, **whom, "ANSWER_FROM": answer_from, "LINK_CARRIER_CALLS": link_carrier_calls}


@pytest.mark.parametrize("link_carrier_calls", ["false", ""])
def test_where_the_carrier_is_to_tell_of_answers_and_no_carrier_is_believed_nothing_is_dialled(
    local: LocalAws, link_carrier_calls: str
) -> None:
    with pytest.raises(SettingsError, match="ANSWER_FROM is carrier"):
        load_handler("dial_next", environment(local, "carrier", link_carrier_calls))


@pytest.mark.parametrize(
    ("answer_from", "link_carrier_calls"), [("carrier", "true"), ("dialer", "false"), ("dialer", "true"), ("", "")]
)
def test_any_other_pair_of_these_settings_starts(local: LocalAws, answer_from: str, link_carrier_calls: str) -> None:
    handler = load_handler("dial_next", environment(local, answer_from, link_carrier_calls))

    async def links_of_the_dialer() -> object:
        async with handler.dialer() as dial_next:
            return dial_next.links

    assert (asyncio.run(links_of_the_dialer()) is not None) is (link_carrier_calls == "true")
