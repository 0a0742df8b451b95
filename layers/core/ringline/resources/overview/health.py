"""Whether this deployment works, for whoever watches it: no secret, account or number is told. The key in the request
is not looked at here; one that is none reaches this all the same, a few times a minute (`ringline.accounts.strangers`),
and without the header API Gateway refuses by itself.

It costs two reads. LiveKit is not asked, because strangers may ask this: what dialers found is told, who note in the
table when LiveKit was away.
"""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.calls.tables.livekit_rest import LivekitRest
from ringline.runtime.clock import Clock
from ringline.runtime.rows import SCHEMA
from ringline.runtime.web.api import json_response
from ringline.runtime.web.problems import AGAIN_AFTER_S
from ringline.runtime.web.routes import Request, Route
from ringline.version import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    livekit: LivekitRest
    clock: Clock
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/health",
                self.show,
                summary="Shows which release this is and what it reaches; 503 where that is too little",
                answer="ringline.resources.answers.overview.health:ShownHealth",
                other_status=503,
                proof="none",
            ),
        )

    def show(self, _request: Request) -> Response[str]:
        table, livekit = self._found()
        found = {"version": VERSION, "row_schema": SCHEMA, "table": table, "livekit": livekit}
        works = table == "reached"
        answer = json_response(200 if works else 503, {"status": "ok" if works else "failing", **found})
        answer.headers["cache-control"] = "no-store"
        if not works:
            answer.headers["retry-after"] = str(AGAIN_AFTER_S)
        return answer

    def _found(self) -> tuple[str, str]:
        try:
            rest: Any = self.livekit.look()
        except Exception:
            self.log.exception("table not reached")
            return "away", "unknown"
        return "reached", "reached" if rest.is_over(self.clock()) else "away"
