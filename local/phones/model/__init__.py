"""What LiveKit, its SIP bridge, a carrier and an agent's worker do, as facts and pure functions: time and chance come
from outside. The phone network lives by it on a real clock, the simulation on a virtual one, the crash tests step by
step, and `tests/contract/replay` holds all three to the same recordings of real servers."""
