"""What carriers' words for a refusal mean beyond the SIP code beside them.

A code alone blames the wrong one: 403 is a number that is barred, or a caller id that our own account may not show; 404
a number that does not exist, or an account that is out of credit. So the text is read before the code. A refusal
without such a text keeps the meaning of its code.

| source | where |
|---|---|
| Telnyx's D codes, behind the reason phrase | Telnyx, "SIP response codes" |
| Twilio's error numbers, in the phrase or a callback's ErrorCode | Twilio, "Error and warning dictionary" |
| phrases | Telnyx's and Twilio's own, and what SBCs commonly say |
"""

import re

from ringline.calls.model.call import Refusal

_LIMIT_CODES = {403, 429, *range(500, 600)}
"""Codes with which carriers say that they take no more calls. With another code such words are about something else."""

_LIMITS = re.compile(
    r"cps limit|calls per second|concurrent call limit|channel limit|limit (?:exceeded|reached)|too many calls"
    r"|too many requests|rate limit|no channels available|\bD(?:1|2|3|22|24)\b",
    re.IGNORECASE,
)

_TWILIO_LIMITS = ("10004", "32001", "32012")
"""Calls at once of the account; calls a second of a trunk, and of the account that pays for it."""

_TWILIO_FRAUD = ("32203", "32224")
"""Blocked by Twilio as fraud, or for a regulation, before it reached the number."""

_TWILIO_OURS = (
    "10001",  # account is not active
    "10002",  # trial account
    "10003",  # inactive account
    "10005",  # voice is disabled for the account
    "13214",  # invalid caller id
    "13227",  # no international permission
    "21203",  # international calls are not enabled
    "21210",  # caller id is not verified
    "21212",  # invalid caller id
    "21215",  # country is not enabled
    "21219",  # trial account, which calls verified numbers alone
    "32100",  # the same, on a trunk
    "32200",  # insufficient permissions of the trunk
    "32204",  # caller id is not verified, on a trunk
    "32205",  # no international permission, on a trunk
)

_TELNYX_OURS = re.compile(r"\bD(?:10|1[2-9]|2[5-9]|30|31|35|36|38)\b")
"""Account, connection, profile, caller id, permitted countries. D11 is about the number that was called."""

_CALLER_ID = (
    r"(?:caller[ -]?id|\bcli|\bani|calling party(?: number)?"
    r"|(?:'?from'?|source|calling|originat(?:ion|ing))(?: phone)? number)"
)
_REFUSED = r"(?:invalid|unverified|unauthori[sz]ed|not (?:valid|verified|allowed|authori[sz]ed|owned|permitted))"
_ACCOUNT = r"(?:account|trunk|profile)"
_STOPPED = r"(?:blocked|suspended|disabled|inactive|deactivated|locked|expired|on hold|not active|not enabled)"
_MONEY = r"(?:balance|funds|credits?)"
_OURS = re.compile(
    "|".join(
        (
            "caller origination number",
            rf"(?:invalid|unverified|unauthori[sz]ed|missing) {_CALLER_ID}\b",
            rf"{_CALLER_ID} (?:is )?{_REFUSED}",
            "whitelisted countr",
            "(?:country|destination) (?:is )?not (?:enabled|permitted|allowed for)",
            "country (?:is )?(?:not allowed|barred|blocked|disabled)",
            "international call(?:s|ing) (?:is |are )?(?:disabled|barred|blocked|not (?:allowed|enabled|permitted))",
            "no international permission",
            "geo(?:graphic)? permission",
            rf"{_ACCOUNT} (?:is |has been )?(?:closed|{_STOPPED})",
            rf"connection (?:is |has been )?{_STOPPED}",
            rf"(?:inactive|trial) {_ACCOUNT}",
            rf"(?:insufficient|not enough|no|low|zero|negative|out of) (?:account )?{_MONEY}",
            rf"{_MONEY} (?:is )?(?:too low|exhausted|insufficient)",
            "(?:credit|spend(?:ing)?) limit",
            "no outbound (?:voice )?profile",
            "outgoing calls? barred",
            r"\bip(?: address)? (?:is )?not (?:authori[sz]ed|allowed|whitelisted)",
            r"unauthori[sz]ed ip\b",
            "(?:invalid|wrong) (?:credentials|password)",
            "authentication fail",
        )
    ),
    re.IGNORECASE,
)


def refusal_in(sip_code: int | None, *texts: str | None) -> Refusal | None:
    """What the texts of a refusal say that its code does not; None where they say nothing we know."""
    said = " ".join(text for text in texts if text)
    if _names(_TWILIO_LIMITS, said):
        return Refusal.LIMIT
    if _names(_TWILIO_FRAUD, said):
        return Refusal.FRAUD
    # A limit of what may be spent is none that is over in a moment.
    if _names(_TWILIO_OURS, said) or _TELNYX_OURS.search(said) or _OURS.search(said):
        return Refusal.OUR_SIDE
    return Refusal.LIMIT if sip_code in _LIMIT_CODES and _LIMITS.search(said) else None


def _names(numbers: tuple[str, ...], said: str) -> bool:
    """Whether one of the numbers stands alone in the text: a longer number is a phone's."""
    return any(re.search(rf"(?<![\d+]){number}(?!\d)", said) for number in numbers)
