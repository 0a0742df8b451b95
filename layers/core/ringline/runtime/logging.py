"""Logs: JSON lines with a static message and fields. Phone numbers are masked, secrets and whole events never
logged."""

from aws_lambda_powertools import Logger


def make_logger(service: str) -> Logger:
    return Logger(service=service, utc=True, log_uncaught_exceptions=True)


def masked(number: str | None) -> str | None:
    """A phone number with all but its last four digits hidden."""
    if number is None:
        return None
    return "*" * max(0, len(number) - 4) + number[-4:]
