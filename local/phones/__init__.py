"""A phone network for one machine: LiveKit's server and SIP bridge, a carrier, people who answer, an agent worker.

It speaks LiveKit's Twirp API and sends LiveKit's signed webhooks. What it does is held to recordings of the real
servers (`tests/contract/traces/`): where the two differ, this package is wrong. It stands in for the outside world, and
the product is proven against it: so it takes nothing from the product but the name of the header that we ask carriers
to give back.

    model        what LiveKit and a carrier do: the one description,        pure; leans on nothing
                 by which the simulation and the crash tests live, too
    kernel       time, tasks, ids, errors, faults, the ledger               leans on the model
    numbers      what each number of the sandbox does                       pure; leans on the model
    post         LiveKit's webhooks, and requests to other servers          leans on the three above
    carrier      what carriers report of a call, in whose form              these two lean on the four above, and
    rooms        LiveKit's rooms and who is in them                         not on each other
    calls        the legs of calls, out and in, and what they share         leans on all above
    agents       the workers, their agents, deeds and reports               these two lean on calls, and not on
    recordings   an egress, what is on it, where it goes                    each other
    speech       agents that hear and speak words, who talks to them        leans on agents, and on `speech.bridge`
    api          the HTTP interfaces: LiveKit's services, and `/phones`     leans on all above

`network.py` puts the parts together; `python -m local.phones` runs them as a process.
"""
