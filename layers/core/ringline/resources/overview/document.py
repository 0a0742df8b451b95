"""The API's own document, for everybody: OpenAPI 3.1, as docs/openapi.json has it for people."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from ringline.runtime.web.http import header
from ringline.runtime.web.routes import Request, Route

KEPT_S = 3600
"""How long readers may keep it without asking again."""


@dataclass(frozen=True, slots=True)
class ApiDocument:
    """`file` is read with the first request for it."""

    file: Path

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/openapi.json",
                self.show,
                summary="Shows this document; answers 304 where `If-None-Match` names the one that is known",
                proof="none",
                other_status=304,
            ),
        )

    def show(self, request: Request) -> Response[str]:
        text = self.file.read_text()
        etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
        headers = {"etag": etag, "cache-control": f"public, max-age={KEPT_S}"}
        if header(request.event, "if-none-match") == etag:
            return Response(304, headers=dict(headers))
        return Response(200, "application/json", text, dict(headers))
