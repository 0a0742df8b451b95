"""What must hold of the deployment, read from template.yaml itself."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.aws.template import events_of, outcome_of, read_template, resources_of
from local.tools.places import ROOT, TEMPLATE
from tests.component.alarms.evaluation import metrics_of

TEMPLATE_READ = read_template(TEMPLATE)
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE_READ["Resources"]
FUNCTIONS = resources_of(TEMPLATE_READ, "AWS::Serverless::Function")
GLOBALS: dict[str, Any] = TEMPLATE_READ["Globals"]["Function"]
QUEUES = resources_of(TEMPLATE_READ, "AWS::SQS::Queue")
DLQS = {name for name in QUEUES if name.endswith("Dlq")}
WORK_QUEUES = {name for name in QUEUES if name not in DLQS}

STREAM_KEEPS_S = 24 * 3600
"""DynamoDB's, for every stream."""

# The last word of a logical id says what it is.
TYPE_WORDS = {
    "AWS::Serverless::Function": "Function",
    "AWS::Serverless::HttpApi": "Api",
    "AWS::Serverless::LayerVersion": "Layer",
    "AWS::Serverless::WebSocketApi": "Api",
    "AWS::DynamoDB::Table": "Table",
    "AWS::S3::Bucket": "Bucket",
    "AWS::CloudFormation::Stack": "Stack",
    "AWS::S3::BucketPolicy": "Policy",
    "AWS::IAM::Policy": "Policy",
    "AWS::CloudWatch::Alarm": "Alarm",
    "AWS::SNS::Topic": "Topic",
    "AWS::SNS::Subscription": "Subscription",
    "AWS::Logs::LogGroup": "LogGroup",
    "AWS::Lambda::Permission": "Permission",
    "AWS::KMS::Key": "Key",
    "AWS::CloudWatch::Dashboard": "Dashboard",
    "AWS::Logs::QueryDefinition": "Query",
}


def referred(value: Any) -> str:
    """The logical id in `!Ref X` or `!GetAtt X.Arn`; empty for what names none."""
    if isinstance(value, str):
        return ""
    if "Ref" in value:
        return str(value["Ref"])
    target = value.get("Fn::GetAtt", "")
    return str(target[0]) if target else ""


def timeout_of(function: str) -> int:
    return int(FUNCTIONS[function]["Properties"].get("Timeout", GLOBALS["Timeout"]))


def folder_of(function: str) -> str:
    return Path(FUNCTIONS[function]["Properties"]["CodeUri"]).name


def statements_of(function: str) -> list[dict[str, Any]]:
    """What it is allowed. What it is denied beside that: `test_rights`."""
    policies = FUNCTIONS[function]["Properties"].get("Policies", [])
    statements = [statement for policy in policies for statement in as_list(policy["Statement"])]
    return [statement for statement in statements if statement["Effect"] == "Allow"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("queue", sorted(WORK_QUEUES))
def test_a_queue_hands_what_fails_again_and_again_to_a_dlq_that_keeps_it_long(queue: str) -> None:
    policy = QUEUES[queue]["Properties"]["RedrivePolicy"]
    dlq = referred(policy["deadLetterTargetArn"])
    assert dlq in DLQS
    assert 2 <= policy["maxReceiveCount"] <= 10
    assert QUEUES[dlq]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("dlq", sorted(DLQS))
def test_a_message_in_a_dlq_raises_an_alarm(dlq: str) -> None:
    watching = [
        alarm["Properties"]
        for alarm in resources_of(TEMPLATE_READ, "AWS::CloudWatch::Alarm").values()
        if any(referred(dimension["Value"]) == dlq for dimension in alarm["Properties"].get("Dimensions", []))
    ]
    assert len(watching) == 1
    assert watching[0]["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert (watching[0]["Threshold"], watching[0]["ComparisonOperator"]) == (0, "GreaterThanThreshold")


ALARMS = {name: alarm["Properties"] for name, alarm in resources_of(TEMPLATE_READ, "AWS::CloudWatch::Alarm").items()}
READ_BY_ALARMS = [metric for alarm in ALARMS.values() for metric in metrics_of(alarm)]


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_tells_somebody_how_urgent_it_is_and_what_to_do(name: str) -> None:
    alarm = ALARMS[name]
    assert [referred(each) for each in alarm["AlarmActions"]] == ["AlarmTopic"]
    urgency, _, said = alarm["AlarmDescription"].partition(": ")
    assert urgency in {"Page", "Ticket"}
    _, _, anchor = said.rpartition("docs/operating.md#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    assert f"`{name}`" in (ROOT / "docs/operating.md").read_text()


@pytest.mark.parametrize(
    "metric", sorted({metric["MetricName"] for metric in READ_BY_ALARMS if "Ref" in metric["Namespace"]})
)
def test_an_alarm_of_our_own_metrics_watches_one_that_is_told(metric: str) -> None:
    told = [
        path
        for folder in ("functions", "layers/core/ringline")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(rf'(?:Measure|count)\("{metric}"', path.read_text())
    ]
    assert len(told) >= 1


@pytest.mark.parametrize("dlq", sorted(DLQS))
def test_every_dlq_is_somebodys(dlq: str) -> None:
    assert json.dumps(RESOURCES).count(f'["{dlq}", "Arn"]') >= 1


@pytest.mark.parametrize(("function", "mapping"), events_of(TEMPLATE_READ, "SQS"))
def test_a_queue_consumer_is_bounded_by_its_mapping_and_reports_what_failed(
    function: str, mapping: dict[str, Any]
) -> None:
    at_most = mapping["ScalingConfig"]["MaximumConcurrency"]
    assert 2 <= (at_most if isinstance(at_most, int) else PARAMETERS[at_most["Ref"]]["Default"]) <= 1000
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # Fewer than the mapping lets through would walk messages into the DLQ: what is reserved is an operator's affair.
    reserved = FUNCTIONS[function]["Properties"].get("ReservedConcurrentExecutions", {"Ref": "AWS::NoValue"})
    assert {"Ref": "AWS::NoValue"} in (reserved, *reserved.get("Fn::If", ()))


def test_every_work_queue_has_one_consumer() -> None:
    assert sorted(referred(mapping["Queue"]) for _, mapping in events_of(TEMPLATE_READ, "SQS")) == sorted(WORK_QUEUES)


@pytest.mark.parametrize(("_function", "mapping"), events_of(TEMPLATE_READ, "DynamoDB"))
def test_a_change_that_is_given_up_is_kept_whole_before_the_stream_forgets_it(
    _function: str, mapping: dict[str, Any]
) -> None:
    """A queue would be told where in the stream the record was, which forgets it after a day. Given up at that very
    hour, it could be gone before Lambda has read it for the bucket."""
    assert mapping["MaximumRetryAttempts"] == -1
    assert mapping["MaximumRecordAgeInSeconds"] == STREAM_KEEPS_S - 3600
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    on_failure = mapping["DestinationConfig"]["OnFailure"]
    assert (on_failure["Type"], referred(on_failure["Destination"])) == ("S3", "ParkedBucket")


def test_who_parks_a_change_may_put_it_into_the_bucket_that_is_watched() -> None:
    puts = [each for each in statements_of("RelayCallChangesFunction") if each["Action"] == "s3:PutObject"]
    assert [each["Resource"] for each in puts] == [{"Fn::Sub": "${ParkedBucket.Arn}/parked/*"}]
    variables = FUNCTIONS["RelayCallChangesFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["PARKED_BUCKET"] == {"Ref": "ParkedBucket"}
    assert variables["RELAY_DLQ_URL"] == {"Ref": "RelayDlq"}


@pytest.mark.parametrize(("function", "mapping"), events_of(TEMPLATE_READ, "DynamoDB"))
def test_a_stream_that_nobody_reads_is_told_long_before_it_forgets(function: str, mapping: dict[str, Any]) -> None:
    alarms = resources_of(TEMPLATE_READ, "AWS::CloudWatch::Alarm").values()
    (alarm,) = [each["Properties"] for each in alarms if each["Properties"].get("MetricName") == "IteratorAge"]
    assert [referred(dimension["Value"]) for dimension in alarm["Dimensions"]] == [function]
    assert alarm["Threshold"] <= mapping["MaximumRecordAgeInSeconds"] * 1000 / 24


@pytest.mark.parametrize(("_function", "mapping"), events_of(TEMPLATE_READ, "DynamoDB"))
def test_the_stream_filter_is_json(_function: str, mapping: dict[str, Any]) -> None:
    for each in mapping["FilterCriteria"]["Filters"]:
        assert json.loads(each["Pattern"])["dynamodb"]


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_may_do_exact_actions_on_exact_resources(function: str) -> None:
    for policy in FUNCTIONS[function]["Properties"].get("Policies", []):
        assert set(policy) == {"Statement"}, f"{policy} is a policy template or a managed policy"
    for statement in statements_of(function):
        assert not any("*" in action for action in as_list(statement["Action"]))
        assert not any(action == "dynamodb:Scan" for action in as_list(statement["Action"]))
        assert "*" not in as_list(statement["Resource"])


@pytest.mark.parametrize("function", ["ManageFunction", "SweepFunction"])
def test_who_looks_for_calls_on_a_line_may_read_the_index_that_names_them(function: str) -> None:
    allowed = [each for each in statements_of(function) if "dynamodb:Query" in as_list(each["Action"])]
    assert {"Fn::Sub": "${CallsTable.Arn}/index/DueIndex"} in as_list(allowed[0]["Resource"])
    assert "dynamodb:BatchGetItem" in allowed[0]["Action"]


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_may_send_to_the_queues_whose_urls_it_is_given_and_to_no_others(function: str) -> None:
    variables = FUNCTIONS[function]["Properties"].get("Environment", {}).get("Variables", {})
    told_of = {referred(value) for value in variables.values() if isinstance(value, dict) and referred(value) in QUEUES}
    assert queues_sent_to(function) == told_of


def test_functions_and_layers_run_on_the_processors_that_the_parameter_says_and_on_arm64_without_it() -> None:
    chosen = [{"Ref": "Architecture"}]
    assert (GLOBALS["Architectures"], GLOBALS["Runtime"]) == (chosen, "python3.13")
    for layer in resources_of(TEMPLATE_READ, "AWS::Serverless::LayerVersion").values():
        assert layer["Properties"]["CompatibleArchitectures"] == chosen
        assert layer["Properties"]["CompatibleRuntimes"] == ["python3.13"]
        assert layer["Metadata"]["BuildArchitecture"] == PARAMETERS["Architecture"]["Default"] == "arm64"
    assert not any({"Runtime", "Architectures"} & set(function["Properties"]) for function in FUNCTIONS.values())


@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_a_logical_id_ends_in_what_it_is(name: str) -> None:
    kind = RESOURCES[name]["Type"]
    if kind == "AWS::SQS::Queue":
        assert name.endswith(("Queue", "Dlq"))
    else:
        assert name.endswith(TYPE_WORDS[kind])


def test_every_function_folder_is_deployed_and_every_deployed_function_has_a_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert folders == {folder_of(function) for function in FUNCTIONS}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_functions_folder_bears_its_name(function: str) -> None:
    words = re.findall(r"[A-Z][a-z0-9]*", function.removesuffix("Function"))
    assert folder_of(function) == "_".join(word.lower() for word in words)


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_has_an_event_to_be_tried_with(function: str) -> None:
    events = sorted((ROOT / "events" / folder_of(function)).glob("*.json"))
    assert events
    for event in events:
        assert isinstance(json.loads(event.read_text()), dict)


def test_every_route_but_the_hooks_the_agents_and_the_speech_workers_asks_for_a_key() -> None:
    open_routes = {
        properties["Path"]
        for _, properties in events_of(TEMPLATE_READ, "HttpApi")
        if properties.get("Auth", {}).get("Authorizer") == "NONE"
    }
    assert RESOURCES["HttpApi"]["Properties"]["Auth"]["DefaultAuthorizer"] == "ApiKeyAuthorizer"
    asked = ("agent-events", "brain", "agent-transfers", "agent-transfers/{transfer_id}")
    with_tokens = {f"/v1/calls/{{call_id}}/{path}{slash}" for path in asked for slash in ("", "/")}
    assert with_tokens <= open_routes
    assert all(path.startswith("/hooks/") for path in open_routes - with_tokens)


def connections_of(function: str) -> set[str]:
    """What the function may do with the connections of which API, as `RunnersApi/live/POST`."""
    resources = [
        resource["Fn::Sub"]
        for statement in statements_of(function)
        if as_list(statement["Action"]) == ["execute-api:ManageConnections"]
        for resource in as_list(statement["Resource"])
    ]
    beginning, end = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${", "/@connections/*"
    assert all(each.startswith(beginning) and each.endswith(end) for each in resources)
    return {each.removeprefix(beginning).removesuffix(end).replace("}", "") for each in resources}


def test_only_who_speaks_to_runners_may_post_to_their_connections() -> None:
    allowed = {function: connections_of(function) for function in FUNCTIONS if connections_of(function)}
    assert allowed == {
        "ServeRunnersFunction": {"RunnersApi/live/POST", "RunnersApi/live/DELETE"},
        "AssignBrainFunction": {"RunnersApi/live/POST"},
    }


@pytest.mark.parametrize("function", ["ServeRunnersFunction", "AssignBrainFunction"])
def test_frames_are_posted_to_the_stage_that_is_served_unless_this_is_not_aws(function: str) -> None:
    variables = FUNCTIONS[function]["Properties"]["Environment"]["Variables"]
    condition, elsewhere, on_aws = variables["RUNNER_CONNECTIONS_URL"]["Fn::If"]
    stage = RESOURCES["RunnersApi"]["Properties"]["StageName"]
    assert on_aws == {"Fn::Sub": f"https://${{RunnersApi}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"}
    assert elsewhere == {"Fn::Sub": f"${{ExecuteApiUrl}}/${{RunnersApi}}/{stage}"}
    assert not holds(TEMPLATE_READ["Conditions"][condition], {})


def test_every_event_of_a_runners_socket_reaches_its_function() -> None:
    routes = RESOURCES["RunnersApi"]["Properties"]["Routes"]
    assert {name: referred(route["FunctionArn"]) for name, route in routes.items()} == dict.fromkeys(
        ("$connect", "$disconnect", "$default"), "ServeRunnersFunction"
    )


def test_the_url_for_runners_takes_up_the_path_that_the_sdk_puts_behind_it() -> None:
    stage = RESOURCES["RunnersApi"]["Properties"]["StageName"]
    url = TEMPLATE_READ["Outputs"]["RunnersUrl"]["Value"]["Fn::Sub"]
    assert url == f"wss://${{RunnersApi}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}?p="


def test_the_calls_are_encrypted_recoverable_and_not_deleted_with_the_stack() -> None:
    table = RESOURCES["CallsTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["SSESpecification"]["SSEEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert all(queue["Properties"]["SqsManagedSseEnabled"] is True for queue in QUEUES.values())


PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE_READ["Parameters"]
NEEDED = ("LivekitUrl", "SecretsName", "SipTrunkId")
GIVEN = dict(zip(NEEDED, ("wss://livekit.example", "ringline", "ST_trunk"), strict=True))


def keeps_its_pattern(parameter: str, value: str) -> bool:
    """Whether CloudFormation takes the value: a pattern must match all of it."""
    return re.fullmatch(PARAMETERS[parameter].get("AllowedPattern", ".*"), value) is not None


def test_no_parameter_and_no_variable_of_a_function_holds_a_secret() -> None:
    """All are in the stack's one secret in Secrets Manager, which a function reads itself."""
    assert [name for name in PARAMETERS if PARAMETERS[name].get("NoEcho")] == []
    named = {name for name in PARAMETERS if re.search("Secret|Token|Password", name)}
    assert named == {"SecretsName", "CarrierSecrets"}, "names of secrets, and no secret"
    text = json.dumps([function["Properties"].get("Environment", {}) for function in FUNCTIONS.values()])
    assert "resolve:secretsmanager" not in text
    assert set(re.findall(r'"([A-Z_]*(?:SECRET|TOKEN|PASSWORD)[A-Z_]*)"', text)) == {"STACK_SECRETS"}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_who_reads_the_stacks_secrets_may_read_those_and_no_others(function: str) -> None:
    variables = FUNCTIONS[function]["Properties"].get("Environment", {}).get("Variables", {})
    reading = [each for each in statements_of(function) if "secretsmanager" in json.dumps(each["Action"])]
    assert len(reading) == ("STACK_SECRETS" in variables)
    for statement in reading:
        assert statement["Action"] == "secretsmanager:GetSecretValue"
        assert statement["Resource"]["Fn::Sub"].endswith(":secret:${SecretsName}-??????")


def test_a_stack_whose_secrets_are_not_there_is_not_made() -> None:
    """CloudFormation reads one field of it, which is no secret: without it the stack would be green and dead."""
    resolved = re.findall(r"{{resolve:[^}]*}}?[^}]*}}", json.dumps(TEMPLATE_READ["Resources"]))
    assert resolved == ["{{resolve:secretsmanager:${SecretsName}:SecretString:format}}"]


@pytest.mark.parametrize("parameter", sorted(PARAMETERS))
def test_what_is_needed_has_no_default_and_everything_else_a_default_that_is_allowed(parameter: str) -> None:
    if parameter in NEEDED:
        assert "Default" not in PARAMETERS[parameter]
        assert not keeps_its_pattern(parameter, "")
        assert keeps_its_pattern(parameter, GIVEN[parameter])
        assert PARAMETERS[parameter]["ConstraintDescription"]
    else:
        assert keeps_its_pattern(parameter, str(PARAMETERS[parameter]["Default"]))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("LivekitUrl", "livekit.example"),
        ("LivekitUrl", "wss://"),
        ("SecretsName", " "),
        ("SecretsName", "arn:aws:secretsmanager:us-east-1:1:secret:x"),
        ("SipTrunkId", "trunk"),
        ("TelnyxPublicKey", "none"),
        ("TelnyxPublicKey", "none,none"),
        ("CarrierSecrets", "none"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_made(parameter: str, value: str) -> None:
    assert not keeps_its_pattern(parameter, value)


def holds(expression: Any, given: dict[str, str]) -> Any:
    """What a condition or an assertion of the template comes to, with these parameters."""
    return outcome_of(TEMPLATE_READ, expression, given)


def refusals(given: dict[str, str]) -> list[str]:
    """Why the stack is not made with these parameters."""
    return [
        assertion["AssertDescription"]
        for rule in TEMPLATE_READ["Rules"].values()
        if holds(rule["RuleCondition"], given)
        for assertion in rule["Assertions"]
        if not holds(assertion["Assert"], given)
    ]


CARRIER_SECRETS = ["TelnyxPublicKey", "CarrierSecrets"]


def test_a_stack_whose_answers_nobody_could_tell_is_not_made() -> None:
    assert refusals({}) == []
    assert refusals({"AnswerFrom": "dialer"} | dict.fromkeys(CARRIER_SECRETS, "a secret")) == []
    (why,) = refusals({"AnswerFrom": "carrier"})
    assert all(name in why for name in CARRIER_SECRETS)


@pytest.mark.parametrize("secret", CARRIER_SECRETS)
def test_any_carrier_that_is_believed_may_tell_of_answers(secret: str) -> None:
    given = {"AnswerFrom": "carrier", secret: "a secret"}
    assert refusals(given) == []
    variables = FUNCTIONS["DialNextFunction"]["Properties"]["Environment"]["Variables"]
    condition, is_told, _ = variables["CARRIERS_REPORT"]["Fn::If"]
    assert (holds(TEMPLATE_READ["Conditions"][condition], given), is_told) == (True, "true"), "as the dialer asks for"


@pytest.mark.parametrize(
    ("secrets", "is_there"),
    [
        ("", False),
        ("sip-hook", False),
        ("twilio-auth-token", True),
        ("twilio-auth-token,sip-hook", True),
        ("sip-hook,twilio-auth-token", True),
    ],
)
def test_the_dialer_looks_for_carriers_ids_where_twilio_reports(secrets: str, is_there: bool) -> None:
    variables = FUNCTIONS["DialNextFunction"]["Properties"]["Environment"]["Variables"]
    condition, looks, _ = variables["LINK_CARRIER_CALLS"]["Fn::If"]
    given = {"TelnyxPublicKey": "a key", "CarrierSecrets": secrets}
    assert (holds(TEMPLATE_READ["Conditions"][condition], given), looks) == (is_there, "true")


def queues_sent_to(function: str) -> set[str]:
    return {
        referred(resource)
        for statement in statements_of(function)
        if "sqs:SendMessage" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def functions_woken_by(function: str) -> set[str]:
    """Functions that consume a queue to which this one sends, and those that they wake in turn."""
    consumers = {referred(mapping["Queue"]): consumer for consumer, mapping in events_of(TEMPLATE_READ, "SQS")}
    woken: set[str] = set()
    senders = [function]
    while senders:
        for queue in queues_sent_to(senders.pop()) - DLQS:
            if consumers[queue] not in woken:
                woken.add(consumers[queue])
                senders.append(consumers[queue])
    return woken


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_that_wakes_itself_through_a_queue_is_not_stopped_as_a_loop(function: str) -> None:
    """Lambda drops what wakes a function for the 17th time in one chain, unless the function says that it is meant:
    22 calls on a trunk of 0.5 a second are such a chain. A function that does not is not spared that safety."""
    wakes_itself = function in functions_woken_by(function)
    assert (FUNCTIONS[function]["Properties"].get("RecursiveLoop") == "Allow") == wakes_itself


def test_the_chains_that_are_meant_are_found() -> None:
    assert {function for function in FUNCTIONS if function in functions_woken_by(function)} >= {
        "DialNextFunction",
        "SweepFunction",
        "DeliverWebhookFunction",
    }


@pytest.mark.parametrize("template", [TEMPLATE, ROOT / "dialer" / "template.yaml"], ids=lambda path: path.parent.name)
def test_cfn_lint_finds_nothing(template: Path) -> None:
    cfn_lint = Path(sys.executable).parent / "cfn-lint"
    command = [str(cfn_lint), "--template", str(template), "--regions", "us-east-1", "eu-central-1"]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_deliverer_may_send_to_the_targets_that_the_deployment_lists_and_to_no_others() -> None:
    policy = RESOURCES["WebhookTargetsPolicy"]
    assert policy["Condition"] == "HasWebhookTargets"
    assert policy["Properties"]["Roles"] == [{"Ref": "DeliverWebhookFunctionRole"}]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage", "events:PutEvents"],
        "Resource": {"Fn::Split": [",", {"Ref": "WebhookTargets"}]},
    }
