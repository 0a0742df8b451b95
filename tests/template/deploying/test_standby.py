"""Standby: a copy of a stack that stands, such as a drill's, rings nobody and posts to nobody until it is lifted."""

from typing import Any

import pytest

from local.aws.template import events_of, is_heard
from tests.template.test_template import PARAMETERS, TEMPLATE_READ, referred, refusals

STANDBY = {"Standby": "true"}
HELD = {
    "DoorbellQueue": "whoever hears it dials",
    "TransferQueue": "whoever hears it dials the phone that a conversation is handed over to",
    "DeliveryQueue": "whoever hears it posts to customers' servers",
}
GOES_ON = {
    "LookQueue": "whoever hears it looks at calls in LiveKit, and rings by the doorbell alone",
    "rate(1 minute)": "the sweep ends what is over, rings by the doorbell and tells by the queue of deliveries",
    "CallsTable": "the relay closes rooms and tells by the queue of deliveries",
}
SOURCES = events_of(TEMPLATE_READ, "DynamoDB", "EventBridgeRule", "Schedule", "ScheduleV2", "SNS", "SQS")


def source_of(event: dict[str, Any]) -> str:
    return referred(event.get("Queue") or event.get("Stream") or "") or str(event.get("Schedule"))


def test_a_copy_on_standby_dials_nobody_and_posts_to_nobody() -> None:
    assert {source_of(event) for _, event in SOURCES if not is_heard(TEMPLATE_READ, event, STANDBY)} == set(HELD)
    assert [source_of(event) for _, event in SOURCES if not is_heard(TEMPLATE_READ, event, {})] == []


def test_it_is_said_of_each_source_of_events_whether_it_goes_on_in_standby() -> None:
    """A new one is put to those that are held, or to those that ring and post to nobody by themselves."""
    assert sorted(source_of(event) for _, event in SOURCES) == sorted([*HELD, *GOES_ON])
    every = {
        event["Type"]
        for each in TEMPLATE_READ["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
        for event in each["Properties"].get("Events", {}).values()
    }
    assert every == {"DynamoDB", "HttpApi", "SQS", "Schedule"}


def test_standby_is_only_what_somebody_asked_for() -> None:
    assert (PARAMETERS["Standby"]["Default"], PARAMETERS["Standby"]["AllowedValues"]) == ("false", ["true", "false"])


@pytest.mark.parametrize("image", ["", "dialer:1"])
def test_a_container_that_would_dial_in_standby_is_refused(image: str) -> None:
    """One that somebody else runs hears its doorbells whatever the stack says."""
    a_container = {"Dialer": "container", "DialerImage": image, "DialerVpcId": "vpc-1", "DialerSubnetIds": "subnet-1"}
    (why,) = refusals(a_container | STANDBY)
    assert "Dialer=function" in why
    assert refusals(a_container) == refusals(STANDBY) == []
