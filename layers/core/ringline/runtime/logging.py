"""Logs: JSON lines with a static message and fields. Phone numbers are masked, secrets and whole events never
logged."""

import logging
import os
import re

from aws_lambda_powertools import Logger

from ringline.version import VERSION

_NUMBER_WITHIN = re.compile(r"\+?\d{7,}")


def make_logger(service: str) -> Logger:
    """A function's log, each line of which says the release that wrote it."""
    log = Logger(service=service, utc=True, log_uncaught_exceptions=True, version=VERSION)
    if level := os.environ.get("LOG_LEVEL"):
        # On Lambda Powertools takes the level of Lambda's own filter before this one, and that filter is never above
        # INFO: it would drop metrics.
        logging.getLogger(service).setLevel(level)
    # A module that is given no logger writes the same lines.
    modules = logging.getLogger("ringline")
    modules.handlers, modules.propagate = [*logging.getLogger(service).handlers], False
    return log


def masked(number: str | None) -> str | None:
    """A phone number with all but its last four digits hidden."""
    if number is None:
        return None
    return "*" * max(0, len(number) - 4) + number[-4:]


def masked_within(text: str) -> str:
    """A text, such as the name of a caller's room, with every phone number in it masked."""
    return _NUMBER_WITHIN.sub(lambda found: masked(found.group()) or "", text)
