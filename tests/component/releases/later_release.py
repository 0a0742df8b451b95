"""A release that comes after this one, made of today's code: its rows bear the number of a later schema, and attributes
and words that today's code does not know."""

import compileall
import shutil
from pathlib import Path
from py_compile import PycInvalidationMode

VERSION, SCHEMA = "99.0.0", 99
MOOD = "mood_of_tomorrow"
"""An attribute of every row that it puts, and of what is nested in them."""
REASON, POLICY = "USER_SANG", "sing"
"""Why its calls end where today's say that somebody hung up in them; and its calls' policy about voicemails."""

_CHANGES = {
    "version.py": [('VERSION = "', f'VERSION = "{VERSION}"  # "')],
    "runtime/rows.py": [
        ("\nSCHEMA = ", f"\nSCHEMA = {SCHEMA}  # "),
        ("to_item({**attributes, ", f'to_item({{**attributes, "{MOOD}": {{"is": "calm", "level": 3}}, '),
    ],
    "calls/tables/records.py": [
        ('"retry": None if call.retry', f'"voicemail_policy": "{POLICY}",\n        "retry": None if call.retry'),
        ("\n    } or None\n", f'\n    }} | {{"{MOOD}": "calm"}}\n'),
    ],
    "calls/rules/ending.py": [
        (
            "return changed(call, state=state, end_reason=reason,",
            f'reason = EndReason.kept("{REASON}") if reason is EndReason.USER_HUNG_UP_IN_CALL else reason\n'
            "    return changed(call, state=state, end_reason=reason,",
        )
    ],
}


def later_release(ringline: Path, into: Path) -> Path:
    """A core layer of the later release, made of the package of today's."""
    core = into / "core"
    package = core / "python" / "ringline"
    shutil.copytree(ringline, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, changes in _CHANGES.items():
        path = package / name
        text = path.read_text()
        for today_says, tomorrow_says in changes:
            assert text.count(today_says) == 1, f"{name} has changed: {today_says}"
            text = text.replace(today_says, tomorrow_says)
        path.write_text(text)
    # As a layer is built: whoever has a dozen processes begin anew waits for none of them to compile.
    compileall.compile_dir(core, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return core
