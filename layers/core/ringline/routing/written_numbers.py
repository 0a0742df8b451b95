"""A phone number in a body, as people write it. A module of its own: it needs pydantic."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints, ValidationInfo

from ringline.routing.numbers import LONGEST_TEXT, read_number


def number_in(value: str, info: ValidationInfo) -> str:
    """The number in E.164. Of a body that is read for an account, the context is what reads numbers as that account
    writes them. Raises NotANumber."""
    return str((info.context or read_number)(value))


type PhoneNumber = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(number_in)]
