"""Phone numbers as the product accepts them: E.164, a plus sign and up to 15 digits, nothing else."""

import re

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def is_e164(text: str) -> bool:
    """Whether text is a number that can be dialled from anywhere, such as `+15550100200`."""
    return _E164.fullmatch(text) is not None
