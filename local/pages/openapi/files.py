"""The three files that are made of the document."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.pages.openapi.page import page
from local.tools.places import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
SERVED = ROOT / "functions" / "manage" / "openapi.json"
PAGE = ROOT / "docs" / "api.md"


def files_of(document: Mapping[str, Any]) -> dict[Path, str]:
    """Each file with its text as it should be: for people, as the API serves it, as a page."""
    return {
        DOCUMENT: json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        SERVED: json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n",
        PAGE: page(document),
    }
