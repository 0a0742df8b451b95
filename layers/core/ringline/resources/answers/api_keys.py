"""API keys as they are shown: `ringline.accounts.manage.key_view`."""

from typing import Literal

from pydantic import Field

from ringline.resources.answers.base import Listing, Moment, Shown


class ShownKey(Shown):
    """What is known of an API key. The key itself cannot be read."""

    key_id: str
    name: str
    org_id: str
    project_id: str
    status: Literal["active", "revoked", "expired"]
    scopes: list[str]
    allowed_ip_ranges: list[str] | None = Field(description="From where it may be used; null: from anywhere")
    last_used_at: Moment | None = Field(
        description="At most an hour behind: the first use in each hour of the clock is kept"
    )
    last_used_from: str | None = Field(description="The address of that use")
    expires_at: Moment | None
    rotated_to: str | None
    created: Moment


class NewKey(ShownKey):
    """An API key, with the key itself. It is not shown again."""

    raw_key: str = Field(pattern="^sk_")


class KeyList(Listing[ShownKey]):
    """Every API key of the account, also those that are over."""
