"""What runs Ringline on one machine, measures it and shows it, in rooms. An arrow points to what a room stands on:

    tools    where things are, processes, ports                             stands on nothing
    aws      what stands in for AWS: emulator, build, deploy, front door    -> tools
    phones   what stands in for LiveKit, carriers, callees and agents       has rooms of its own; -> none of these
    agents   what runners and speech workers do, where they are played      -> the speech worker's own rules
    stack    the one-machine stack: wishes, start, record, seed, stop       -> tools, aws; runs phones as a process
    trips    what uses a stack as its user would: demo, outcomes, talk ...  -> tools, aws, stack, the phones' numbers
    bench    the benches                                                    -> tools, aws, stack, trips
    fuzz     what the API's document allows, asked of a stack               -> tools, stack
    audit    what is known of the locked versions, without a network        -> tools
    releases what earlier releases wrote, as fixtures                       -> tools
    pages    documentation that is written from code                        -> tools, the phones' numbers and SIP codes

`tests/unit/house/test_arrows.py` keeps the arrows. The product stands in `layers/core`; every room but tools and aws
may use it, and so may the phones for one name alone, because the product is proven against them.
"""

import os
import sys

from local.tools.places import ROOT

# The sources of the core layer are put where a function finds the built layer.
if str(ROOT / "layers" / "core") not in sys.path:
    sys.path.insert(0, str(ROOT / "layers" / "core"))

# What runs here is asked directly, whatever proxy leads to the world.
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(each for each in (os.environ.get(_name), "127.0.0.1,localhost") if each)
