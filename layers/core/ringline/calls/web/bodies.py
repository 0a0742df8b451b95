"""What is asked for a token, checked field by field."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from ringline.calls.progress.consents import ConsentRequest

MOST_METADATA_BYTES = 16 * 1024
"""It lies in the ticket and in the call, each a row of the table."""


class TokenRequest(BaseModel):
    """For whom the token is: the SDK's `pipe_id` and `metadata`, which the call bears. Its agent is told `data`, or the
    `metadata` where there is no `data`."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    pipe_id: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    metadata: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] | None = None
    recording_consent: ConsentRequest | None = None
    instructions: Annotated[str, StringConstraints(max_length=32_768)] | None = None

    @field_validator("metadata", mode="before")
    @classmethod
    def _null_means_none_given(cls, given: Any) -> Any:
        return {} if given is None else given

    @field_validator("metadata", "data")
    @classmethod
    def _fits_in_a_row(cls, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if given is not None and len(json.dumps(given, ensure_ascii=False).encode()) > MOST_METADATA_BYTES:
            raise ValueError(f"is larger than {MOST_METADATA_BYTES} bytes")
        return given
