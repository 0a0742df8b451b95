"""Ends of calls that no number brings about: those of callers in a browser, and of an account whose list changes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beyond:
    """An end reason, and what is to be done on the one-machine stack to see it."""

    end_reason: str
    to_do: str


TITLE = "What no number brings about"

TEXT = """\
`$PIPE` and `$PHONES` are set as in the [README](../README.md#the-first-call), a token is asked for as
[callers in a browser](web-callers.md) says, and `ringline account show` names the account.
"""

BEYOND_NUMBERS = (
    Beyond(
        "NO_LINE_FREE",
        "take the lines away (`ringline account set ACCOUNT --max-calls 0`) and let a browser join: "
        '`curl -s $PHONES/phones/web -d \'{"token": "eyJ..."}\'`. It is put out. `--max-calls 5` gives the lines back',
    ),
    Beyond(
        "WEB_TOKEN_REUSED",
        "let a browser join as above, and once more with the same token when the call is `active` "
        "(`ringline calls`): both are put out",
    ),
    Beyond(
        "DESTINATION_NOT_ALLOWED",
        "have a call wait (`ringline call +15550100200 --pipe $PIPE --scheduled-at MOMENT`, half a minute ahead) and "
        "take its country off the list meanwhile: `ringline account set ACCOUNT --allowed-prefixes none`. It rings "
        "nobody. `--allowed-prefixes +1` lets calls out again",
    ),
)
