"""Logs: JSON lines with a static message and fields. Phone numbers are masked, secrets and whole events never
logged."""

import re

from aws_lambda_powertools import Logger

_NUMBER_WITHIN = re.compile(r"\+?\d{7,}")


def make_logger(service: str) -> Logger:
    return Logger(service=service, utc=True, log_uncaught_exceptions=True)


def masked(number: str | None) -> str | None:
    """A phone number with all but its last four digits hidden."""
    if number is None:
        return None
    return "*" * max(0, len(number) - 4) + number[-4:]


def masked_within(text: str) -> str:
    """A text, such as the name of a caller's room, with every phone number in it masked."""
    return _NUMBER_WITHIN.sub(lambda found: masked(found.group()) or "", text)
