"""The simulation's queues and functions wait as long as the template's do."""

import pytest

from local.aws.template import events_of, read_template, resources_of
from local.tools.places import TEMPLATE
from simulation.aws import queues, stream
from simulation.plan.mortality import MORTALITY

_TEMPLATE = read_template(TEMPLATE)
_QUEUES = resources_of(_TEMPLATE, "AWS::SQS::Queue")
_FUNCTIONS = resources_of(_TEMPLATE, "AWS::Serverless::Function")


@pytest.mark.parametrize(
    ("queue", "visibility_s"),
    [
        ("DoorbellQueue", queues.VISIBILITY_S),
        ("LookQueue", queues.LOOK_VISIBILITY_S),
        ("TransferQueue", queues.TRANSFER_VISIBILITY_S),
    ],
)
def test_a_simulated_queue_stays_silent_about_a_message_and_gives_it_up_as_the_deployed_one(
    queue: str, visibility_s: int
) -> None:
    deployed = _QUEUES[queue]["Properties"]
    assert deployed["VisibilityTimeout"] == visibility_s
    assert deployed["RedrivePolicy"]["maxReceiveCount"] == queues.MAX_RECEIVES


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("dial", "DialNextFunction"),
        ("hangup", "ManageFunction"),
        ("ask", "ManageFunction"),
        ("transfer", "CarryOutTransferFunction"),
        ("sweep", "SweepFunction"),
        ("look", "SweepFunction"),
        ("agent", "ReceiveAgentEventFunction"),
        ("sip", "ReceiveSipEventFunction"),
        ("socket", "ServeRunnersFunction"),
        ("brain", "AssignBrainFunction"),
    ],
)
def test_a_simulated_function_is_killed_when_the_deployed_one_is(kind: str, function: str) -> None:
    usual = _TEMPLATE["Globals"]["Function"]["Timeout"]
    assert MORTALITY[kind].timeout_s == _FUNCTIONS[function]["Properties"].get("Timeout", usual)


def test_a_simulated_stream_gives_a_record_up_when_the_deployed_one_does() -> None:
    ((_, mapping),) = events_of(_TEMPLATE, "DynamoDB")
    assert mapping["MaximumRetryAttempts"] == -1
    assert mapping["MaximumRecordAgeInSeconds"] == stream.TRIED_FOR_S
