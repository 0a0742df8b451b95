"""python -m local.audit: see `local.audit`. Ends with 0 where nothing is known, 1 where something is, 2 where it could
not look."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.audit.locks import locked_in
from local.audit.report import audited, lines_of
from local.audit.snapshot import DUMP, KEPT, NoSnapshot, read, take, write
from local.tools.places import ROOT

FOUND, COULD_NOT = 1, 2


def main(arguments: Sequence[str], locks: Path = ROOT / "requirements", kept: Path = KEPT) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.audit", description="Known holes of what is locked.")
    parser.add_argument(
        "--refresh", nargs="?", const=DUMP, metavar="SOURCE", help="take the records anew, from OSV or from its zip"
    )
    asked = parser.parse_args(arguments)
    locked = locked_in(locks)
    today = datetime.now(UTC).date().isoformat()
    try:
        if asked.refresh is not None:
            write(take(asked.refresh, frozenset(each.name for each in locked)), kept)
        found = audited(locked, read(kept), today)
    except NoSnapshot as error:
        print(f"could not audit: {error}", file=sys.stderr)
        return COULD_NOT
    print("\n".join(lines_of(found)))
    if found.holes:
        return FOUND
    return COULD_NOT if found.unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
