"""Bodies of the API's erasures."""

from pydantic import BaseModel, ConfigDict


class ErasureRequest(BaseModel):
    """Whose number is to be erased, and where an erasure goes on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str
    cursor: str | None = None
