"""Who changed what, as it is shown: `ringline.audit.view`."""

from typing import Any, Literal

from pydantic import Field

from ringline.resources.answers.base import Listing, Moment, Shown


class ShownChange(Shown):
    """A field that changed. Of a secret neither value is told; a long text is told as its length and hash."""

    field: str
    before: Any = Field(description="Null: it was not there, or is not told")
    after: Any = Field(description="Null: it is gone, or is not told")


class ShownEntry(Shown):
    """A change that was asked for."""

    audit_id: str
    at: Moment
    action: str = Field(description="What was asked for: `pipes.change`, `numbers.attach`, `api-keys.rotate`")
    resource: str = Field(description="Of what: `pipes/pipe_1`")
    outcome: Literal["begun", "done", "refused", "failed"] = Field(
        description="`begun` where it was cut off, so that nobody knows; `refused`: nothing changed; `failed`: it may "
        "have been made in part"
    )
    status: int | None = Field(description="What was answered")
    code: str | None = Field(description="Of the refusal")
    who: str = Field(description="The id of the API key, or `operator` and the AWS caller")
    key_name: str | None
    source_ip: str | None
    request_id: str | None = Field(description="API Gateway's, as in its access log")
    changes: list[ShownChange]
    changes_left_out: int = Field(description="Fields that changed beside those")


class AuditList(Listing[ShownEntry]):
    """The changes that have all of what was asked for, newest first. Entries are kept for 400 days."""
