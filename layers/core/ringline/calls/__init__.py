"""The heart: a call, what may happen to it, why it ended, the gate it passes and the queue it waits in, each in a room:

    model      what a call is                                              pure; leans on nothing
    rules      what happens to it, and why it ended                        pure; leans on the model
    tables     how it is kept: items, objects, the two queues              leans on the model
    progress   the one way an event reaches a call, and what follows       leans on rules and tables
    outbound   from a request to a ringing phone: create, admit, dial      these four lean on progress, never on
    signals    what LiveKit, carriers and agents tell of a call            each other
    mending    what looks after calls whose signals got lost
    views      how a call is shown: API, webhooks, timeline, lists

`tests/unit/house/test_arrows.py` keeps the arrows.
"""
