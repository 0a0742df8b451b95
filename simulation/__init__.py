"""A deterministic simulation of Ringline's calls: the real use cases and the real store, in a world that lies. Each
part has a room, and leans only on those above it:

    kernel     one clock, one heap of moments; each invocation is a process that may die at any effect
    plan       what a seed brings: calls, callees, agents, trunks, outages
    aws        the table as DynamoDB behaves, its stream, the queues: late, twice, out of order, redelivered
    actors     LiveKit, phones, agents, carriers, customers: what they do is true, what they tell may get lost
    handovers  who wants a call handed over, and to whom
    browsers   callers in a browser, and what they do with their token
    runners    runners, their control sockets, and the speech workers that they think for
    watch      the invariants, checked at every change of the table and of every phone
    wired      those use cases of the product that have many parts
    run        puts worlds together and runs them, also with bugs on purpose
    planted    bugs on purpose where calls are handed over and where somebody rings in

`run/composition.py` shows a world whole, `run/watchers.py` what is promised of it. The same seed always gives the same
run: `python -m simulation --calls 1000 --seed 7`.
"""
