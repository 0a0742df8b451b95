"""A deterministic simulation of Ringline's calls: the real use cases and the real store, in a world that lies.

    seed -> plan (calls, callees, agents, trunks, outages)
              |
            world: one heap of moments, one clock; every handler is a process that may die at any effect
              |-- table      behaves as DynamoDB: conditions, transactions, conflicts, a lagging index, a stream
              |-- messages   doorbells and looks (SQS) and stream records: late, twice, out of order, redelivered
              |-- livekit    rooms, legs, agents, callees; restarts, killed bridges, lost webhooks
              |-- carriers   limits of trunks, told by refusing the next call
              '-- watch      the invariants, checked at every change of the table and of every phone

The same seed always gives the same run. `python -m simulation --calls 1000 --seed 7`.
"""
