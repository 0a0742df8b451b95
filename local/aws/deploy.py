"""Deploys template.yaml to the emulator through its API, in about a second, and mends what the emulator leaves out.

    python -m local.aws.deploy --adopt STACK

does the mending alone, after a plain `sam build && sam deploy` to the emulator that AWS_ENDPOINT_URL names: it makes
the HTTP API's routes and prints the API's URL. On AWS neither is needed.
"""

import argparse
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws import api_routes
from local.aws.build import Build, source_files
from local.aws.emulator import REGION
from local.aws.template import Template, events_of, is_heard, read_template, resources_of
from local.tools.places import TEMPLATE
from local.tools.processes import StackError
from ringline.runtime.clock import now_ms
from ringline.runtime.vault.document import new_document
from ringline.runtime.vault.kept import SIP_HOOK, TWILIO

_BUCKET = "ringline-artifacts"
_DEPLOYED_WITHIN_S = 120.0
_RUNNERS_STAGE = "live"
# On AWS the mappings' MaximumConcurrency bounds the functions. Here each concurrent run is a process of some 60 MB.
_LOCAL_CONCURRENCY = {"DialNextFunction": 24, "DeliverWebhookFunction": 8}


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deployed stack is called in the emulator. `functions` maps a logical id to the function's name."""

    stack_name: str
    api_id: str
    outputs: dict[str, str]
    functions: dict[str, str]
    runners_api_id: str = ""

    def api_url(self, emulator_url: str) -> str:
        return f"{execute_api_url(emulator_url)}/{self.api_id}/$default"

    def runners_url(self, emulator_url: str) -> str:
        """Where runners' control sockets end."""
        return f"{execute_api_url(emulator_url)}/{self.runners_api_id}/{_RUNNERS_STAGE}"


def execute_api_url(emulator_url: str) -> str:
    """Under which the emulator serves every API by its id, and takes what is posted to their connections: the host
    names that AWS has for that do not resolve here."""
    return f"{emulator_url}/_aws/execute-api"


def credentials(endpoint_url: str) -> dict[str, str]:
    """The variables with which a process talks to the emulator as its owner."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def emulator_credentials(endpoint_url: str) -> Iterator[None]:
    """While it lasts, every AWS client of this process talks to the emulator and none reads the user's own AWS
    files."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(credentials(endpoint_url))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@cache
def _nobodys_session() -> boto3.session.Session:
    """A session for which there are no files and no profile: one that is named and is not there would be an error."""
    unread = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=unread))


def client(service: str, endpoint_url: str) -> Any:
    """A client of the emulator, with the credentials that it takes for its owner. It reads none of the user's own AWS
    files, and no profile that the environment names."""
    config = Config(connect_timeout=2, read_timeout=60, retries={"total_max_attempts": 2}, proxies={})
    return _nobodys_session().client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def deploy(
    build: Build,
    parameters: Mapping[str, str],
    endpoint_url: str,
    stack_name: str = "ringline",
    secrets: Mapping[str, str] | None = None,
) -> Deployment:
    """Creates the stack. `secrets` are in its secret in Secrets Manager, as an operator sets them, beside those that it
    makes itself. Raises StackError with CloudFormation's reason, or if less came out than the template says."""
    parameters = {
        "ExecuteApiUrl": execute_api_url(endpoint_url),
        **_kept_secrets(secrets or {}, f"{stack_name}/secrets", endpoint_url),
        **parameters,
    }
    s3 = client("s3", endpoint_url)
    template = _with_built_code(read_template(TEMPLATE), build, s3)
    # As `sam deploy` does: in the request itself CloudFormation takes 51,200 bytes.
    s3.put_object(Bucket=_BUCKET, Key=f"{stack_name}.json", Body=json.dumps(template).encode())
    cloudformation = client("cloudformation", endpoint_url)
    try:
        cloudformation.create_stack(
            StackName=stack_name,
            TemplateURL=f"{endpoint_url}/{_BUCKET}/{stack_name}.json",
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        raise StackError(f"stack {stack_name} is refused: {error}") from None
    _await_stack(cloudformation, stack_name)
    deployment = adopt(stack_name, endpoint_url)
    aws_lambda = client("lambda", endpoint_url)
    for logical_id, concurrency in _LOCAL_CONCURRENCY.items():
        if logical_id in deployment.functions:
            aws_lambda.put_function_concurrency(
                FunctionName=deployment.functions[logical_id], ReservedConcurrentExecutions=concurrency
            )
    return deployment


def adopt(stack_name: str, endpoint_url: str) -> Deployment:
    """Makes the routes of a deployed stack's HTTP API, which the emulator leaves out, and checks that the stack is
    whole. Can be repeated. Raises StackError."""
    template = read_template(TEMPLATE)
    try:
        stack = client("cloudformation", endpoint_url).describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        raise StackError(f"the emulator has no stack {stack_name}: {error}") from None
    if not stack["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in stack["StackStatus"]:
        raise StackError(f"stack {stack_name} is {stack['StackStatus']}: {stack.get('StackStatusReason', '')}")
    names = _physical_ids(stack_name, endpoint_url)
    routes = api_routes.make(
        stack_name, names, client("cloudformation", endpoint_url), client("apigatewayv2", endpoint_url)
    )
    _check_whole(template, names, routes, endpoint_url)
    parameters = {each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", [])}
    _mend_mappings(template, names, parameters, endpoint_url)
    return Deployment(
        stack_name=stack_name,
        api_id=names["HttpApi"],
        runners_api_id=names["RunnersApi"],
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        functions={name: names[name] for name in resources_of(template, "AWS::Serverless::Function")},
    )


def _kept_secrets(secrets: Mapping[str, str], name: str, endpoint_url: str) -> dict[str, str]:
    """The parameters that tell of the secrets, which are in Secrets Manager from now on."""
    now = now_ms()
    document = new_document(now)
    for each, value in secrets.items():
        document = document.with_value(each, value, now)
    client("secretsmanager", endpoint_url).create_secret(Name=name, SecretString=document.as_text())
    return {"SecretsName": name, "CarrierSecrets": ",".join(each for each in (TWILIO, SIP_HOOK) if each in secrets)}


def _await_stack(cloudformation: Any, stack_name: str) -> None:
    deadline = time.monotonic() + _DEPLOYED_WITHIN_S
    while True:
        status = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]["StackStatus"]
        if status == "CREATE_COMPLETE":
            return
        if not status.endswith("IN_PROGRESS") or time.monotonic() > deadline:
            events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
            reasons = [
                f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
                for event in events
                if "FAILED" in event["ResourceStatus"] and event.get("ResourceStatusReason")
            ]
            raise StackError(f"stack {stack_name} is {status}\n" + "\n".join(reasons))
        time.sleep(0.05)


def _physical_ids(stack_name: str, endpoint_url: str) -> dict[str, str]:
    pages = client("cloudformation", endpoint_url).get_paginator("list_stack_resources").paginate(StackName=stack_name)
    summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
    return {summary["LogicalResourceId"]: summary["PhysicalResourceId"] for summary in summaries}


def _check_whole(template: Template, names: Mapping[str, str], routes: int, endpoint_url: str) -> None:
    """The emulator says CREATE_COMPLETE of things it has left out: count what events need to arrive at all."""
    ours = _mappings(names, endpoint_url)
    expected = {
        "routes": (len(events_of(template, "HttpApi")), routes),
        "event-source mappings": (len(events_of(template, "SQS", "DynamoDB")), len(ours)),
        "schedules": (len(events_of(template, "Schedule")), len(_schedules(names, endpoint_url))),
    }
    wrong = [f"{got} of {wanted} {what}" for what, (wanted, got) in expected.items() if got != wanted]
    if wrong:
        raise StackError(f"the emulator made only {', '.join(wrong)}")


def _mappings(names: Mapping[str, str], endpoint_url: str) -> list[dict[str, Any]]:
    """The event-source mappings of the stack's functions."""
    pages = client("lambda", endpoint_url).get_paginator("list_event_source_mappings").paginate()
    every = pages.build_full_result()["EventSourceMappings"]
    return [each for each in every if each["FunctionArn"].split(":")[6] in set(names.values())]


def _mend_mappings(
    template: Template, names: Mapping[str, str], parameters: Mapping[str, str], endpoint_url: str
) -> None:
    """A parameter that is a number comes to the emulator's mappings as text, with which they do not run; boto3 reads it
    as a number again, so that all are written anew. Nor does one that is switched off say so: each function has one
    queue or stream."""
    aws_lambda = client("lambda", endpoint_url)
    heard = {
        names[function]: is_heard(template, event, parameters)
        for function, event in events_of(template, "SQS", "DynamoDB")
    }
    for mapping in _mappings(names, endpoint_url):
        aws_lambda.update_event_source_mapping(
            UUID=mapping["UUID"],
            Enabled=heard[mapping["FunctionArn"].split(":")[6]],
            **{name: mapping[name] for name in ("ScalingConfig",) if name in mapping},
        )


def _schedules(names: Mapping[str, str], endpoint_url: str) -> list[str]:
    rules = client("events", endpoint_url).list_rules()["Rules"]
    return [rule["Name"] for rule in rules if rule["Name"] in set(names.values()) and rule.get("ScheduleExpression")]


# ---------------------------------------------------------------- code


def _with_built_code(template: Template, build: Build, s3: Any) -> Template:
    """The template with the built folders in place of the sources, as `sam package` would leave it."""
    s3.create_bucket(Bucket=_BUCKET)
    for name, layer in resources_of(template, "AWS::Serverless::LayerVersion").items():
        layer["Properties"]["ContentUri"] = _put(s3, name, linked_layer(build.layers[name]))
        layer.pop("Metadata", None)
    for name, function in resources_of(template, "AWS::Serverless::Function").items():
        folder = Path(function["Properties"]["CodeUri"]).name
        if folder not in build.functions:
            raise StackError(f"{name} has no handler: functions/{folder}/handler.py does not exist")
        function["Properties"]["CodeUri"] = _put(s3, name, _zipped(build.functions[folder]))
    return template


def _put(s3: Any, name: str, archive: bytes) -> dict[str, str]:
    s3.put_object(Bucket=_BUCKET, Key=f"{name}.zip", Body=archive)
    return {"Bucket": _BUCKET, "Key": f"{name}.zip"}


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in source_files(folder):
            archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def linked_layer(built: Path) -> bytes:
    """A layer that leads to the built folder. The emulator unpacks every layer anew for every process of every
    function: with 70 MB of packages that is a second and 70 MB of disk each. Lambda and the emulator read `.pth` files
    of a layer's site folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        line = f"import sys; sys.path.insert(0, {str(built / 'python')!r})\n"
        archive.writestr("python/lib/python3.13/site-packages/linked.pth", line)
    return buffer.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local.aws.deploy", description="Mends a stack that SAM deployed to the emulator."
    )
    parser.add_argument("--adopt", metavar="STACK", required=True, help="the stack's name")
    arguments = parser.parse_args()
    endpoint_url = os.environ.get("AWS_ENDPOINT_URL", "")
    if not endpoint_url.startswith(("http://127.0.0.1", "http://localhost")):
        print("AWS_ENDPOINT_URL must name the emulator, such as http://127.0.0.1:4566", file=sys.stderr)
        return 2
    try:
        with emulator_credentials(endpoint_url):
            deployment = adopt(arguments.adopt, endpoint_url)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    print(deployment.api_url(endpoint_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
