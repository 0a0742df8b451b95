"""What a caller is told of the limit on its key's requests: the header fields of the IETF's draft
(draft-ietf-httpapi-ratelimit-headers-09), and the refusal of one request too many.

    RateLimit-Policy: "key";q=6000;w=60      so many requests in so many seconds
    RateLimit: "key";r=5970;t=41             so many are left, and the next begin in so many seconds
"""

from collections.abc import Mapping
from typing import Any

from ringline.runtime.web.problems import Problem

_WINDOW_S = 60


def rate_headers(context: Mapping[str, Any]) -> dict[str, str]:
    """The fields that an answer bears; none where the authorizer counted nothing."""
    limit, left, resets = (context.get(name) for name in ("rate_limit", "rate_left", "rate_resets_in_s"))
    if limit is None:
        return {}
    return {"ratelimit-policy": f'"key";q={limit};w={_WINDOW_S}', "ratelimit": f'"key";r={left};t={resets}'}


def rate_limited(context: Mapping[str, Any]) -> Problem:
    """The refusal of a request whose key has used up its minute."""
    resets = str(context.get("rate_resets_in_s", _WINDOW_S))
    title = f"The API key has made its {context.get('rate_limit')} requests of this minute; ask again in {resets} s"
    return Problem(429, "rate_limited", title, headers={"retry-after": resets})
