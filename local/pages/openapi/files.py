"""The files that are made of the API's document and of the events'."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.pages.openapi.page import page
from local.tools.places import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
SERVED = ROOT / "functions" / "manage" / "openapi.json"
PAGE = ROOT / "docs" / "api.md"
EVENTS_DOCUMENT = ROOT / "docs" / "asyncapi.json"


def files_of(document: Mapping[str, Any], events: Mapping[str, Any]) -> dict[Path, str]:
    """Each file with its text as it should be: for people, as the API serves it, as a page, and what webhooks tell."""
    return {
        DOCUMENT: json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        SERVED: json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n",
        PAGE: page(document),
        EVENTS_DOCUMENT: json.dumps(events, indent=1, ensure_ascii=False) + "\n",
    }
