"""A phone network for one machine: LiveKit's server and SIP bridge, a carrier, people who answer, an agent worker.

It speaks LiveKit's Twirp API and sends LiveKit's signed webhooks. What it does is held to recordings of the real
servers (`tests/contract/traces/`): where the two differ, this package is wrong.

    server.py     the HTTP door: routes, tokens, Twirp errors   control.py    /phones: what tests and demo steer
    room_api.py   sip_api.py   dispatch_api.py   trunk_api.py           one module for each Twirp service
    rooms.py      rooms and who is in them                              counts.py     LiveKit's late head count
    legs.py       an outbound call from INVITE to BYE                   inbound.py    a call that rings in
    agents.py     the worker and the agents it runs                     hooks.py      webhook delivery
    callees.py    what a callee can do                                  numbers.py    which number does what
    telling_numbers.py   numbers whose agent or carrier tells           sandbox_number.py  a line of the book
    sip_status.py what LiveKit makes of a SIP code                      timings.py    every duration, in one place
    faults.py     what tests can break                                  ledger.py     what the phones saw
    deeds.py      what an agent does        reports.py  what it tells the product     transcripts.py  what was said
    carriers.py   carriers that report      carrier_forms.py  in whose form           courier.py      who carries it
    egress_api.py egresses.py   recordings, silence.py  what is on them, bucket.py  and where they go
"""

from local.phones.network import NetworkConfig, PhoneNetwork

__all__ = ["NetworkConfig", "PhoneNetwork"]
