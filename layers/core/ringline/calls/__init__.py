"""The heart: a call, what may happen to it, why it ended, the gate it passes and the queue it waits in.

Pure: `call`, `events`, `lifecycle`, `reasons`, `deadlines`, `timing`, `ports`, `view`. Use cases: `create`, `admit`,
`dial`, `progress`, `observe`, `hang_up`, `relay`, `sweep`. Only `store`, `watchlist` and `doorbell` know AWS.
"""
