"""The HTTP API as commands ask it: a document for an answer, a failure for a refusal."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cli.model.failures import NotReachable, Refused, Usage, problem_document

if TYPE_CHECKING:
    # It takes a fifth of a second to load, which the completion of a word need not wait for.
    import httpx

CONNECT_S, ANSWER_S = 5.0, 30.0

AWAY = "Is the stack up? `ringline doctor` looks."
"""What to do where the API does not answer."""

_TRIES = 3
_BUSY = frozenset({429, 502, 503, 504})
REFUSED_AT_THE_DOOR = {"message": "Forbidden"}
"""What API Gateway itself answers, with 403, to a key that is none, or is over."""
_OF_THE_KEY = "`ringline profile show` tells which key was used, `ringline profile add` sets another."
_LONGEST_WAIT_S = 10.0
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})

type Document = dict[str, Any]
type Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, and the cursor of those behind them."""

    rows: list[Document]
    next_cursor: str | None

    def as_json(self) -> Document:
        return {"data": self.rows, "next_cursor": self.next_cursor}


class Api:
    """Raises Refused with the API's own problem document, and NotReachable. A reading request that meets a busy server
    is sent again; one that changes something is not, for nobody knows what came of it."""

    def __init__(self, client: "httpx.Client", sleep: Sleep) -> None:
        self._client = client
        self._sleep = sleep

    @property
    def url(self) -> str:
        return str(self._client.base_url).rstrip("/")

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Document:
        for tried in range(1, _TRIES + 1):
            response = self.send("GET", path, query=query)
            if response.status_code not in _BUSY or tried == _TRIES:
                break
            self._sleep(min(_LONGEST_WAIT_S, _retry_after_s(response, float(tried))))
        return _document(response)

    def post(self, path: str, body: Document | None = None, headers: Mapping[str, str] | None = None) -> Document:
        return _document(self.send("POST", path, body=body, headers=headers))

    def put(self, path: str, body: Document) -> Document:
        return _document(self.send("PUT", path, body=body))

    def patch(self, path: str, body: Document, headers: Mapping[str, str] | None = None) -> Document:
        return _document(self.send("PATCH", path, body=body, headers=headers))

    def delete(self, path: str, headers: Mapping[str, str] | None = None) -> Document:
        return _document(self.send("DELETE", path, headers=headers))

    def page(self, path: str, query: Mapping[str, Any] | None = None) -> Page:
        """One page of a list."""
        answer = self.get(path, query)
        rows = answer.get("data")
        return Page(rows if isinstance(rows, list) else [], (answer.get("pagination") or {}).get("next_cursor"))

    def rows(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[Document]:
        """Every row of a list, page after page as they are asked for."""
        asked = dict(query or {})
        while True:
            page = self.page(path, asked)
            yield from page.rows
            if page.next_cursor is None:
                return
            asked["cursor"] = page.next_cursor

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Document | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "httpx.Response":
        """The answer as it came. Raises NotReachable."""
        import httpx

        known = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            return self._client.request(method, path, params=known, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise NotReachable(f"The API at {self.url}", _why(error), AWAY) from None
        except httpx.InvalidURL as error:
            raise NotReachable(f"The API at {self.url}", f"it is no URL ({error})") from None


def open_api(url: str, api_key: str, transport: "httpx.BaseTransport | None", sleep: Sleep) -> Api:
    """The API behind a URL, asked with a key. Raises Usage for what is no URL, or can be no key."""
    import httpx

    if not is_absolute_url(url):
        raise Usage(f"{url} is no URL of an API", advice="`ringline profile add NAME --api-url URL` sets another.")
    if not is_visible_ascii(api_key):
        raise Usage("The API key has characters that no key has", advice=_OF_THE_KEY)
    client = httpx.Client(
        base_url=url.rstrip("/"),
        headers={"Authorization": f"Bearer {api_key}", "User-Agent": "ringline"},
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        transport=transport,
        # A stack on this machine is asked directly, whatever proxy leads to the world.
        trust_env=httpx.URL(url).host not in _THIS_MACHINE,
    )
    return Api(client, sleep)


def is_absolute_url(text: str) -> bool:
    """Whether it is what an API may be asked at: https://, or http://, with a host and a port that is one."""
    import httpx

    try:
        parts = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.host)


def is_visible_ascii(text: str) -> bool:
    """Whether it can be a key, or what else stands in a header without blanks."""
    return text.isascii() and text.isprintable() and " " not in text and bool(text)


def segment(thing_id: str) -> str:
    """An id as a part of a path, whatever stands in it."""
    return quote(thing_id, safe="+")


def _document(response: "httpx.Response") -> Document:
    document = _json(response)
    if response.is_success:
        return document if isinstance(document, dict) else {"data": document}
    if isinstance(document, dict) and "title" in document:
        raise Refused(document, _advice(response))
    if document == REFUSED_AT_THE_DOOR and response.status_code == 403:
        title = "The API does not take this key: it is unknown, revoked or over"
        raise Refused(problem_document(403, "invalid_api_key", title), _OF_THE_KEY)
    title = f"The API answered {response.status_code} {response.reason_phrase}, and not in words of ours"
    raise Refused(problem_document(response.status_code, "unexpected_answer", title))


def _json(response: "httpx.Response") -> Any:
    try:
        return json.loads(response.text or "{}")
    except ValueError:
        return None


def _advice(response: "httpx.Response") -> str:
    if response.status_code == 401:
        return _OF_THE_KEY
    if response.status_code in _BUSY and (wait := response.headers.get("retry-after")):
        return f"Try again in {wait} s."
    return ""


def _retry_after_s(response: "httpx.Response", usual_s: float) -> float:
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return usual_s


def _why(error: "httpx.HTTPError") -> str:
    import httpx

    match error:
        case httpx.ConnectTimeout():
            return f"no connection within {CONNECT_S:g} s"
        case httpx.TimeoutException():
            return f"no answer within {ANSWER_S:g} s"
        case _:
            return str(error) or type(error).__name__
