"""Bodies checked by pydantic. A module of its own: only functions that read bodies pay for loading it."""

from typing import Any

from pydantic import BaseModel, ValidationError

from ringline.runtime.web.problems import FieldError, Problem


def read_body[Body: BaseModel](model: type[Body], body: dict[str, Any], context: object = None) -> Body:
    """The body as its model, whose validators may need the context. Raises Problem 422 that names each wrong field."""
    try:
        return model.model_validate(body, context=context)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        errors = tuple(
            FieldError(".".join(str(part) for part in each["loc"]), each["msg"].removeprefix("Value error, "))
            for each in faults
        )
        raise Problem(422, "invalid_request", "The request was not accepted", errors) from None
