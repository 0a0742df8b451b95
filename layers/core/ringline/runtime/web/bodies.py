"""Bodies checked by pydantic. A module of its own: only functions that read bodies pay for loading it."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ringline.runtime.web.problems import FieldError, Problem


def read_body[Body: BaseModel](model: type[Body], body: dict[str, Any], context: object = None) -> Body:
    """The body as its model, whose validators may need the context. Raises Problem 422 that names each wrong field."""
    try:
        return model.model_validate(body, context=context)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        errors = tuple(FieldError(".".join(str(part) for part in each["loc"]), _message(each)) for each in faults)
        raise Problem(422, "invalid_request", "The request was not accepted", errors) from None


def _message(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        return "is not known here: nothing would be done about it"
    return fault["msg"].removeprefix("Value error, ")
