"""Trunks and rules of the phone network: refused as LiveKit refuses them, in its words."""

from typing import Any

import pytest
from livekit.api import ServerError
from livekit.protocol import sip
from livekit.protocol.models import ListUpdate

from tests.contract.phones.phone_network import Lab, in_a_lab


@in_a_lab()
async def test_trunks_that_livekit_refuses_are_refused_in_its_words(lab: Lab) -> None:
    api = lab.livekit.sip
    with pytest.raises(ServerError, match="for security, one of the fields must be set"):
        await api.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=sip.SIPInboundTrunkInfo(name="open")))
    for trunk, why in (
        (sip.SIPOutboundTrunkInfo(address="sip.example.com"), "no trunk numbers specified"),
        (sip.SIPOutboundTrunkInfo(numbers=["*"]), "no outbound address specified"),
        (sip.SIPOutboundTrunkInfo(numbers=["*"], address="sip:acme@sip.example.com"), "hostname or IP, not SIP URI"),
        (sip.SIPOutboundTrunkInfo(numbers=["*"], address="a.example", sip_trunk_id="ST_1"), "id must not be set"),
    ):
        with pytest.raises(ServerError, match=why):
            await api.create_outbound_trunk(sip.CreateSIPOutboundTrunkRequest(trunk=trunk))


@in_a_lab()
async def test_a_change_is_held_to_the_same_and_changes_nothing_where_it_is_refused(lab: Lab) -> None:
    api = lab.livekit.sip
    trunks = []
    for number in ("+15550109001", "+15550109002"):
        trunk = sip.SIPInboundTrunkInfo(name=number, numbers=[number])
        trunks.append(await api.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=trunk)))
    for numbers, why in (
        (ListUpdate(add=["15550109001"]), "Conflicting inbound"),
        (ListUpdate(remove=["+15550109002"]), "security"),
    ):
        with pytest.raises(ServerError, match=why):
            await api.update_inbound_trunk_fields(trunks[1].sip_trunk_id, numbers=numbers)
    listed = (await api.list_inbound_trunk(sip.ListSIPInboundTrunkRequest())).items
    assert [list(each.numbers) for each in listed] == [["+15550109001"], ["+15550109002"]]


@in_a_lab()
async def test_rules_for_one_trunk_number_and_pin_conflict(lab: Lab) -> None:
    api = lab.livekit.sip
    rule = sip.SIPDispatchRule(dispatch_rule_individual=sip.SIPDispatchRuleIndividual(room_prefix="in"))

    async def make(**said: Any) -> None:
        asked = sip.SIPDispatchRuleInfo(rule=rule, **said)
        await api.create_dispatch_rule(sip.CreateSIPDispatchRuleRequest(dispatch_rule=asked))

    await make(trunk_ids=["ST_1"])
    await make()
    await make(trunk_ids=["ST_1"], numbers=["+15550109001"])
    for said in ({"trunk_ids": ["ST_2", "ST_1"]}, {}, {"trunk_ids": ["ST_1"], "numbers": ["15550109001"]}):
        with pytest.raises(ServerError, match="Conflicting SIP Dispatch Rules"):
            await make(**said)


@in_a_lab()
async def test_a_list_by_ids_has_a_row_for_each_and_an_empty_one_for_what_is_not_there(lab: Lab) -> None:
    api = lab.livekit.sip
    asked = sip.SIPInboundTrunkInfo(numbers=["+15550109001"])
    made = await api.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=asked))
    wanted = sip.ListSIPInboundTrunkRequest(trunk_ids=["ST_unknown", made.sip_trunk_id])
    assert [each.sip_trunk_id for each in (await api.list_inbound_trunk(wanted)).items] == ["", made.sip_trunk_id]
