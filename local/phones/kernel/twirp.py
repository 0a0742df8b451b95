"""Twirp errors as LiveKit sends them: JSON with a code, a message and string metadata."""

from local.phones.model.legs import Failure

_HTTP_STATUS = {
    "canceled": 408,
    "unknown": 500,
    "invalid_argument": 400,
    "malformed": 400,
    "deadline_exceeded": 408,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 412,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "dataloss": 500,
}


class TwirpError(Exception):
    """The request failed and the client is told so, with `code`, `message` and `metadata`."""

    def __init__(self, code: str, message: str, metadata: dict[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.metadata = metadata or {}

    @property
    def status(self) -> int:
        return _HTTP_STATUS.get(self.code, 500)

    def body(self) -> dict[str, object]:
        error: dict[str, object] = {"code": self.code, "msg": self.message}
        if self.metadata:
            error["meta"] = self.metadata
        return error


class ConnectionDroppedError(Exception):
    """The client's connection breaks: it never learns what became of the request."""


class UnreadableAnswerError(Exception):
    """The request was carried out, and its answer is 200 with bytes that are no message."""


class BadGatewayError(Exception):
    """A proxy answers 502 in its own words: the client cannot tell what became of the request."""


def as_error(failure: Failure) -> TwirpError:
    """The error with which the server passes it on."""
    return TwirpError(failure.code, failure.message, dict(failure.metadata))


def not_found(what: str) -> TwirpError:
    return TwirpError("not_found", f"{what} does not exist")
