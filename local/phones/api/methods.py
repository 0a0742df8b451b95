"""Every Twirp method that the network serves, by service: its request, who carries it out, and the grant it takes."""

from livekit.protocol import agent_dispatch, egress, room, sip

from local.phones.api.dialing import SipApi
from local.phones.api.dispatches import DispatchApi
from local.phones.api.door import Grant, Method
from local.phones.api.egresses import EgressApi
from local.phones.api.rooms import RoomApi
from local.phones.api.trunks import TrunkApi


def room_methods(api: RoomApi) -> dict[str, Method]:
    admin = Grant.ROOM_ADMIN
    methods = {
        "CreateRoom": Method(room.CreateRoomRequest, api.create_room, Grant.ROOM_CREATE),
        "ListRooms": Method(room.ListRoomsRequest, api.list_rooms, Grant.ROOM_LIST),
        "DeleteRoom": Method(room.DeleteRoomRequest, api.delete_room, Grant.ROOM_CREATE),
        "ListParticipants": Method(room.ListParticipantsRequest, api.list_participants, admin),
        "GetParticipant": Method(room.RoomParticipantIdentity, api.get_participant, admin),
        "RemoveParticipant": Method(room.RoomParticipantIdentity, api.remove_participant, admin),
        "UpdateParticipant": Method(room.UpdateParticipantRequest, api.update_participant, admin),
        "SendData": Method(room.SendDataRequest, api.send_data, admin),
        "UpdateRoomMetadata": Method(room.UpdateRoomMetadataRequest, api.update_room_metadata, admin),
    }
    return {f"RoomService/{name}": method for name, method in methods.items()}


def dispatch_methods(api: DispatchApi) -> dict[str, Method]:
    admin = Grant.ROOM_ADMIN
    methods = {
        "CreateDispatch": Method(agent_dispatch.CreateAgentDispatchRequest, api.create_dispatch, admin),
        "DeleteDispatch": Method(agent_dispatch.DeleteAgentDispatchRequest, api.delete_dispatch, admin),
        "ListDispatch": Method(agent_dispatch.ListAgentDispatchRequest, api.list_dispatch, admin),
    }
    return {f"AgentDispatchService/{name}": method for name, method in methods.items()}


def egress_methods(api: EgressApi) -> dict[str, Method]:
    record = Grant.ROOM_RECORD
    methods = {
        "StartEgress": Method(egress.StartEgressRequest, api.start, record),
        "StartRoomCompositeEgress": Method(egress.RoomCompositeEgressRequest, api.start_room_composite, record),
        "ListEgress": Method(egress.ListEgressRequest, api.list_egress, record),
        "StopEgress": Method(egress.StopEgressRequest, api.stop_egress, record),
    }
    return {f"Egress/{name}": method for name, method in methods.items()}


def sip_methods(dialer: SipApi, trunks: TrunkApi) -> dict[str, Method]:
    admin = Grant.SIP_ADMIN
    methods = {
        "CreateSIPParticipant": Method(sip.CreateSIPParticipantRequest, dialer.create_participant, Grant.SIP_CALL),
        "TransferSIPParticipant": Method(
            sip.TransferSIPParticipantRequest, dialer.transfer_participant, Grant.TRANSFER
        ),
        "CreateSIPInboundTrunk": Method(sip.CreateSIPInboundTrunkRequest, trunks.create_inbound, admin),
        "CreateSIPOutboundTrunk": Method(sip.CreateSIPOutboundTrunkRequest, trunks.create_outbound, admin),
        "UpdateSIPInboundTrunk": Method(sip.UpdateSIPInboundTrunkRequest, trunks.update_inbound, admin),
        "UpdateSIPOutboundTrunk": Method(sip.UpdateSIPOutboundTrunkRequest, trunks.update_outbound, admin),
        "GetSIPInboundTrunk": Method(sip.GetSIPInboundTrunkRequest, trunks.get_inbound, admin),
        "GetSIPOutboundTrunk": Method(sip.GetSIPOutboundTrunkRequest, trunks.get_outbound, admin),
        "ListSIPInboundTrunk": Method(sip.ListSIPInboundTrunkRequest, trunks.list_inbound, admin),
        "ListSIPOutboundTrunk": Method(sip.ListSIPOutboundTrunkRequest, trunks.list_outbound, admin),
        "DeleteSIPTrunk": Method(sip.DeleteSIPTrunkRequest, trunks.delete_trunk, admin),
        "CreateSIPDispatchRule": Method(sip.CreateSIPDispatchRuleRequest, trunks.create_rule, admin),
        "UpdateSIPDispatchRule": Method(sip.UpdateSIPDispatchRuleRequest, trunks.update_rule, admin),
        "ListSIPDispatchRule": Method(sip.ListSIPDispatchRuleRequest, trunks.list_rules, admin),
        "DeleteSIPDispatchRule": Method(sip.DeleteSIPDispatchRuleRequest, trunks.delete_rule, admin),
    }
    return {f"SIP/{name}": method for name, method in methods.items()}
