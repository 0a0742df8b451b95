"""AWS's list prices, and what a call's usage comes to by them. Pure.

Left out is what a stack costs without any call (the KMS key, one secret, alarms: about $7 a month), what stands still
(the table's and the logs' storage), and data that leaves AWS. LiveKit's and the carrier's bills are not AWS's.
"""

from dataclasses import dataclass, fields
from typing import Self

PRICED_ON = "2026-11-29"
REGION = "us-east-1"

MEMORY_GB = 0.5
"""Of every function, as the template has it."""

FULL_CORE_MB = 1769
"""A function of so much memory has a whole processor, and any other its share of one."""

SHARE_OF_A_CORE = MEMORY_GB * 1024 / FULL_CORE_MB

ROUND_TRIP_S = 0.005
"""What a request to DynamoDB, SQS or S3 waits for its answer within a region; both publish single-digit
milliseconds."""

MILLION = 1_000_000
_PER_MILLION = {
    "write_units": 0.625,
    "read_units": 0.125,
    "sqs_requests": 0.40,
    "http_requests": 1.00,
    "runs": 0.20,
    "s3_writes": 5.00,
}
"""Dollars a million: DynamoDB on demand, SQS's standard queues, HTTP APIs, Lambda's requests, S3's PUTs."""

GB_S = 0.0000133334
"""Dollars of a function's gigabyte for a second, arm64."""

LOG_GB = 0.50
"""Dollars of a gigabyte that CloudWatch takes in."""

_FARGATE_VCPU_H, _FARGATE_GB_H = 0.03238, 0.00356
"""Dollars of a container's processor and of its gigabyte for an hour, arm64."""

_HOURS_A_MONTH = 730


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call used. `cpu_s` is the functions' processor time, `aws_requests` what they waited for in it;
    `held_s` is how long a function waited for a phone; `container_cpu_s` is the dialer's container's."""

    write_units: float = 0
    read_units: float = 0
    sqs_requests: float = 0
    http_requests: float = 0
    runs: float = 0
    s3_writes: float = 0
    log_bytes: float = 0
    aws_requests: float = 0
    cpu_s: float = 0
    held_s: float = 0
    container_cpu_s: float = 0

    def times(self, factor: float) -> Self:
        return type(self)(**{each.name: getattr(self, each.name) * factor for each in fields(self)})

    def plus(self, other: Self) -> Self:
        return type(self)(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


def computing_s(usage: Usage) -> float:
    """For how long its functions run beside waiting for phones."""
    return usage.cpu_s / SHARE_OF_A_CORE + usage.aws_requests * ROUND_TRIP_S


def by_service(usage: Usage) -> dict[str, float]:
    """Dollars of a million such calls, by what they go to."""
    gb_s = MILLION * MEMORY_GB * GB_S
    return {
        "waiting for phones": gb_s * usage.held_s,
        "computing": gb_s * computing_s(usage),
        "runs": usage.runs * _PER_MILLION["runs"],
        "writes": usage.write_units * _PER_MILLION["write_units"],
        "reads": usage.read_units * _PER_MILLION["read_units"],
        "API": usage.http_requests * _PER_MILLION["http_requests"],
        "SQS": usage.sqs_requests * _PER_MILLION["sqs_requests"],
        "S3": usage.s3_writes * _PER_MILLION["s3_writes"],
        "logs": MILLION * usage.log_bytes / 1024**3 * LOG_GB,
    }


def per_million(usage: Usage) -> float:
    """Dollars of a million such calls, the container apart, which costs the same whether it dials or not."""
    return sum(by_service(usage).values())


def container_month(tasks: int, vcpu: float, memory_gb: float) -> float:
    """Dollars a month of so many containers."""
    return tasks * (vcpu * _FARGATE_VCPU_H + memory_gb * _FARGATE_GB_H) * _HOURS_A_MONTH
