"""The API but for creating calls: calls, sessions, transcripts, recordings, webhook endpoints. Also answers every path
that nobody serves, and sends on what another function serves but for a slash at its path's end.

The resources stand in `ringline.resources`, each in a module of its own.
"""

from pathlib import Path
from typing import Any

from ringline.composition.manage import Settings, compose
from ringline.composition.parts.audit import auditing
from ringline.resources.overview.elsewhere import sent_on
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import read
from ringline.runtime.web.api import serve
from ringline.runtime.web.routes import make_router

log = make_logger("manage")
settings = read(Settings)
routes = compose(settings, document=Path(__file__).with_name("openapi.json"), clock=now_ms, log=log)
router = make_router(routes, log, auditing(routes, settings.table_name, clock=now_ms, log=log))


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return sent_on(event) or serve(router, event, context)
