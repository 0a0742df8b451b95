"""Opens the console's address in a browser without telling it to whoever lists this machine's processes."""

import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Ringline</title>
<a href="{address}">Ringline's console</a>
"""


@contextmanager
def opened(address: str) -> Iterator[None]:
    """Has a browser open the address. It is started with the path of a file that leads there: the arguments of a
    process are for every user to read, and the file for its owner alone. The file is gone when this ends."""
    with tempfile.NamedTemporaryFile("w", prefix="ringline-", suffix=".html") as file:  # made with mode 0600
        file.write(_PAGE.format(address=escape(address)))
        file.flush()
        webbrowser.open(Path(file.name).as_uri())
        yield
