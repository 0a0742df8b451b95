"""How mortal the product's functions are. A test ties the time-outs to those of the template."""

from simulation.kernel.world import Mortality

MORTALITY = {
    "create": Mortality(0.02, effects=4),
    "dial": Mortality(0.06, effects=14, timeout_s=180),
    "hangup": Mortality(0.05, effects=5, timeout_s=10),
    "hook": Mortality(0.02, effects=5),
    "relay": Mortality(0.02, effects=6),
    "sweep": Mortality(0.08, effects=12, timeout_s=50),
    "look": Mortality(0.03, effects=8, timeout_s=50),
    "agent": Mortality(0.02, effects=5, timeout_s=25),
    "sip": Mortality(0.02, effects=6, timeout_s=15),
    "socket": Mortality(0.004, effects=4, timeout_s=10),
    "ask": Mortality(0.03, effects=4, timeout_s=10),
    "transfer": Mortality(0.1, effects=8, timeout_s=130),
    "brain": Mortality(0.03, effects=6, timeout_s=10),
}
"""For each kind of process. What creates calls, hears hooks or relays takes no longer than the table does."""
