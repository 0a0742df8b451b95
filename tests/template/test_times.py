"""Times that stand in template.yaml and in code are one: each number of the template is computed here from the
constants that it must keep up with, so that whoever changes one of the two is told of the other."""

import math

import pytest

from local.aws.template import events_of
from ringline.calls.model import timing
from ringline.calls.progress import hang_up
from ringline.calls.rules import deadlines
from ringline.calls.signals import carrier, carrier_answers
from ringline.composition import receive_livekit_event, receive_sip_event
from ringline.runtime import aws
from ringline.runtime.sqs import LONGEST_DELAY_S
from ringline.telephony import front_desk
from ringline.webhooks.model import schedule
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS
from ringline.webhooks.sending import client, overdue
from tests.template.test_template import (
    FUNCTIONS,
    QUEUES,
    TEMPLATE_READ,
    WORK_QUEUES,
    referred,
    timeout_of,
)

SQS_LONGEST_DELAY_S = 900
"""What SQS takes as DelaySeconds."""

SQS_USUAL_RETENTION_S = 4 * 24 * 3600
"""How long a queue keeps a message for which the template names no time."""

LOOKED_AT_WITHIN_S = 7 * 24 * 3600
"""How long after its alarm a dead letter is still there for whoever looks into it."""

API_WAITS_S = 30
"""API Gateway gives up an HTTP integration after this long."""

AWS_REQUEST_S: float = aws._CONFIG.connect_timeout + aws._CONFIG.read_timeout
"""What one try of a request to DynamoDB, SQS or S3 may take."""

SETTLING_S = hang_up._SETTLE_LOOKS * hang_up._SETTLE_WAIT_S
"""How long a request that hangs up waits for its call to be over."""

HANGING_UP_S = timing.LIVEKIT_REQUEST_S + SETTLING_S

SQS_MAPPINGS = {
    referred(mapping["Queue"]): (function, mapping) for function, mapping in events_of(TEMPLATE_READ, "SQS")
}


def visibility_of(queue: str) -> int:
    return int(QUEUES[queue]["Properties"]["VisibilityTimeout"])


def receives_of(queue: str) -> int:
    return int(QUEUES[queue]["Properties"]["RedrivePolicy"]["maxReceiveCount"])


def schedule_of(function: str) -> int:
    """How many seconds lie between two runs of a function that a schedule starts."""
    ((_, event),) = ((name, event) for name, event in events_of(TEMPLATE_READ, "Schedule") if name == function)
    minutes = {"rate(1 minute)": 1}
    return minutes[event["Schedule"]] * 60


def looking_for_an_answer_s() -> float:
    """How long a carrier's hook may take over an answer that LiveKit does not show."""
    looks = 1 + len(carrier_answers._LOOK_AGAIN_AFTER_S)
    waits_s = sum(carrier_answers._DIALER_FIRST_S) + sum(carrier_answers._LOOK_AGAIN_AFTER_S)
    return looks * receive_sip_event.LIVEKIT_WITHIN_S + waits_s


def dialing_s() -> float:
    """How long a dialer may take over its last call: it has waited for the turns of all others before, and waits for
    its agent before the INVITE, and again if that left while the phone rang."""
    turns_s = timing.DIAL_BATCH * timing.PACE_AHEAD_S
    ring_s = timing.MAX_RING_TIMEOUT_S + timing.ANSWER_MARGIN_S
    return turns_s + timing.LIVEKIT_REQUEST_S + 2 * timing.MAX_AGENT_JOIN_S + ring_s + AWS_REQUEST_S


HOLDS: dict[str, float] = {
    "AuthorizeRequestFunction": AWS_REQUEST_S,
    "CreateCallFunction": AWS_REQUEST_S,
    "ManageFunction": HANGING_UP_S,
    "DialNextFunction": dialing_s(),
    # A caller is received, or a room closed that nobody wants.
    "ReceiveLivekitEventFunction": front_desk._WITHIN_S + receive_livekit_event.CLOSE_WITHIN_S,
    # The event that names the call may be on its way, and then the answer, or the leg's word of a refusal.
    "ReceiveSipEventFunction": sum(carrier._LINK_AGAIN_AFTER_S)
    + max(looking_for_an_answer_s(), sum(timing.LEGS_WORD_WAITS_S)),
    # A transcript goes to the bucket and its place into the table, then the agent hangs up.
    "ReceiveAgentEventFunction": 2 * AWS_REQUEST_S + HANGING_UP_S,
    # Rooms are closed side by side, and then recordings started side by side.
    "RelayCallChangesFunction": 2 * timing.LIVEKIT_REQUEST_S + AWS_REQUEST_S,
    # The endpoint of each message of a batch may take its time, once for all that the message names; the deliveries are
    # read before it and their outcomes written after it.
    "DeliverWebhookFunction": SQS_MAPPINGS["DeliveryQueue"][1]["BatchSize"] * client.TIMEOUT_S + 2 * AWS_REQUEST_S,
    # A frame is sent, or one is sent to each of the runners that are asked in vain.
    "ServeRunnersFunction": AWS_REQUEST_S,
    "AssignBrainFunction": AWS_REQUEST_S,
    # A turn of the trunk, a phone that rings and is answered, and some time together before the agent goes.
    "CarryOutTransferFunction": timing.TRANSFER_PACE_WAITS_S
    + timing.MAX_RING_TIMEOUT_S
    + timing.ANSWER_MARGIN_S
    + timing.HANDOFF_WAITED_FOR_S
    + 2 * timing.LIVEKIT_REQUEST_S
    + 2 * AWS_REQUEST_S,
    # LiveKit is asked for its rooms, and again for those that were missing.
    "SweepFunction": timing.ROOM_MISSING_S + 2 * timing.LIVEKIT_REQUEST_S,
}
"""How long each function may wait for others, in seconds. Its time-out must be longer."""


# --- queues ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", sorted(WORK_QUEUES))
def test_a_message_that_always_fails_is_hidden_while_it_is_worked_on_and_ends_in_a_dlq_that_keeps_it_for_days(
    queue: str,
) -> None:
    """Its age counts from the moment it was sent, its longest delay included, and goes on in the DLQ. With so many
    receives each invocation has had its whole time, and each has been waited for."""
    function, _ = SQS_MAPPINGS[queue]
    assert visibility_of(queue) == 6 * timeout_of(function)
    dead_after_s = LONGEST_DELAY_S + receives_of(queue) * visibility_of(queue)
    assert kept_s(queue) > dead_after_s, "it is forgotten before it is given up"
    dlq = referred(QUEUES[queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"])
    assert kept_s(dlq) - kept_s(queue) >= LOOKED_AT_WITHIN_S, "it is forgotten before anybody has looked"


def kept_s(queue: str) -> int:
    return int(QUEUES[queue]["Properties"].get("MessageRetentionPeriod", SQS_USUAL_RETENTION_S))


def test_no_message_is_delayed_for_longer_than_sqs_takes() -> None:
    assert LONGEST_DELAY_S == SQS_LONGEST_DELAY_S
    assert not any("DelaySeconds" in queue["Properties"] for queue in QUEUES.values()), "each message says its own"


@pytest.mark.parametrize("queue", sorted(WORK_QUEUES))
def test_a_hint_is_heard_at_once(queue: str) -> None:
    """A window would keep a call, a look or a webhook waiting for others to come."""
    _, mapping = SQS_MAPPINGS[queue]
    assert "MaximumBatchingWindowInSeconds" not in mapping


def test_a_delivery_that_the_sweep_sent_again_is_looked_at_again_when_sqs_itself_would_repeat_it() -> None:
    assert visibility_of("DeliveryQueue") * 1000 == overdue.DUE_AGAIN_MS


def test_the_sweep_takes_over_a_delivery_that_no_message_was_heard_of_and_a_delay_can_bring_the_others() -> None:
    assert schedule_of("SweepFunction") * 1000 <= schedule.LOST_MESSAGE_MS
    delayed_s = [wait_s for wait_s in schedule.WAITS_S if wait_s * (1 + schedule.JITTER) <= LONGEST_DELAY_S]
    assert list(schedule.WAITS_S[: len(delayed_s)]) == delayed_s, "the waits behind those are the sweep's"


# --- time-outs of functions ------------------------------------------------------------------------------------------


def test_the_drawing_of_a_calls_times_names_the_templates() -> None:
    drawing = timing.__doc__ or ""
    assert f"DialNextFunction time-out ({timeout_of('DialNextFunction')} s)" in drawing
    assert f"visibility time-out of the doorbell ({visibility_of('DoorbellQueue')} s)" in drawing


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_functions_time_out_holds_what_it_may_have_to_wait_for(function: str) -> None:
    """A new function has no entry in HOLDS and fails here, until somebody has said what its time-out is made of."""
    assert timeout_of(function) > HOLDS[function]


@pytest.mark.parametrize("function", sorted({function for function, _ in events_of(TEMPLATE_READ, "HttpApi")}))
def test_a_function_of_the_api_answers_before_api_gateway_gives_up(function: str) -> None:
    assert timeout_of(function) < API_WAITS_S


# --- the sweep -------------------------------------------------------------------------------------------------------


def test_the_sweep_runs_as_often_as_the_rules_of_a_call_count_on() -> None:
    assert schedule_of("SweepFunction") * 1000 == deadlines._SWEEP_EVERY_MS
    assert schedule_of("SweepFunction") < timing.LIMIT_AHEAD_S, "a limit between two runs is seen by the first"
    assert timing.FIRST_LOOK_S + schedule_of("SweepFunction") < timing.SHORT_LIMIT_S, "a longer limit is seen in time"
    assert schedule_of("SweepFunction") < timing.WAITING_MARK_KEPT_S - timing.WAITING_MARK_RENEWED_S


def test_a_sweep_is_over_before_the_next_one_begins() -> None:
    assert timeout_of("SweepFunction") < schedule_of("SweepFunction")


def test_the_template_says_how_long_events_must_be_kept_for_every_try_of_a_schedule() -> None:
    days = math.ceil((schedule.LADDER_MS + DISABLED_AFTER_MS) / 86_400_000)
    assert f"Below {days} " in TEMPLATE_READ["Parameters"]["EventsKeptDays"]["Description"]
