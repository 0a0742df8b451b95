"""How a stack comes up: emulator, phone network, functions, seed and front door, each as soon as what it needs is
there."""

import asyncio
import shutil
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.aws import build, deploy, emulator
from local.aws.build import Build
from local.aws.deploy import Deployment
from local.stack import dialer
from local.stack.addresses import Addresses, addresses, hooks_url_at, listening
from local.stack.carrier_secrets import CarrierSecrets
from local.stack.record import Stack, StackRecord
from local.stack.seed import FROM_NUMBER, let_callers_in, seed
from local.stack.wishes import CONTAINER, LivekitServer, Wishes
from local.tools import processes
from local.tools.loopback import ask, free_port
from local.tools.processes import Child, StackError
from ringline.runtime.vault.kept import LIVEKIT, RECORDING

_PHONES_KEY, _PHONES_SECRET = "devkey", "ringline-phones-secret-0123456789"
_READY_WITHIN_S = 60.0


class Ascent:
    """One way up: each step leaves what the next one needs. Whoever climbs stops what was noted if a step fails."""

    def __init__(self, wishes: Wishes, record: StackRecord, tell: Callable[[str], None]) -> None:
        self._wishes = wishes
        self._record = record
        self._tell = tell

    def climb(self) -> Stack:
        shutil.rmtree(self._record.log_dir, ignore_errors=True)
        with listening(self._wishes.bind_address, self._wishes.port) as door:
            called = addresses(self._wishes.bind_address, door.getsockname()[1], self._wishes.public_url)
            emulator_port = free_port()
            emulator_url = emulator.url(emulator_port)
            with ThreadPoolExecutor(2) as aside:
                building = aside.submit(build.build_all)
                emulating = self._noted(emulator.start(emulator_port, self._record.run_dir, self._record.log_dir))
                livekit = self._wishes.livekit or self._start_phones(called.base_url)
                emulator.await_ready(emulating, emulator_port)
                self._tell("building what has changed")
                built = building.result()
            with deploy.emulator_credentials(emulator_url):
                self._tell("deploying template.yaml to the emulator")
                deployment = self._deploy(built, livekit, called, emulator_url)
                if self._wishes.dialer == CONTAINER:
                    self._start_dialer(built, deployment, emulator_url)
                seeded = self._seed(deployment, emulator_url, rings_nobody=livekit.phones_url is not None)
                self._open(door, built, deployment.api_url(emulator_url), deployment.runners_url(emulator_url))
                self._tell("starting the functions")
                _warm_up(deployment, called.base_url, emulator_url, self._wishes.carrier_secrets, seeded["api_key"])
            stack = self._described(called, emulator_url, livekit, deployment, seeded)
            self._record.note_stack(stack)
            return stack

    def _noted(self, child: Child) -> Child:
        try:
            self._record.note_child(child)
        except BaseException:
            # Nobody would find it again.
            processes.stop(child)
            raise
        return child

    def _start_phones(self, base_url: str) -> LivekitServer:
        self._tell("starting the phone network")
        command = [
            sys.executable, "-m", "local.phones", "--port", str(free_port()),
            "--hooks-url", hooks_url_at(base_url),
            "--api-key", _PHONES_KEY, "--api-secret", _PHONES_SECRET, "--agent-name", self._wishes.agent_name,
            *self._wishes.carrier_secrets.phones_options(base_url), *self._wishes.phones_options,
        ]  # fmt: skip
        # Not an option, as a key would be there for all to see in the list of processes.
        environment = processes.clean_environment(self._wishes.model)
        phones = self._noted(processes.start("phones", command, self._record.log_dir, environment))
        processes.wait_until(phones, lambda: processes.ready_line(phones) is not None, _READY_WITHIN_S)
        url = processes.ready_line(phones) or ""
        with ThreadPoolExecutor(1) as aside:  # the caller may have an event loop of its own
            trunk_id = aside.submit(asyncio.run, _outbound_trunk(url)).result()
            aside.submit(asyncio.run, let_callers_in(url, _PHONES_KEY, _PHONES_SECRET)).result()
        return LivekitServer(url, _PHONES_KEY, _PHONES_SECRET, trunk_id, phones_url=url)

    def _deploy(self, built: Build, livekit: LivekitServer, called: Addresses, emulator_url: str) -> Deployment:
        parameters = {
            "LivekitUrl": livekit.url,
            "SipTrunkId": livekit.sip_trunk_id,
            "AgentName": self._wishes.agent_name,
            "AllowPrivateWebhooks": "true",
            "AskedApart": "true",
            "KeysApart": "true",
            "AnswerFrom": self._wishes.answer_from,
            "Dialer": self._wishes.dialer,
            "DueInShards": str(self._wishes.due_in_shards).lower(),
            "PublicUrl": called.public_url,
            "TelnyxPublicKey": self._wishes.carrier_secrets.telnyx_public_key,
            # Any pair will do for the emulator's S3.
            "RecordingAccessKeyId": "test",
        }
        secrets = {
            LIVEKIT: f"{livekit.api_key}:{livekit.api_secret}",
            RECORDING: "test",
            **self._wishes.carrier_secrets.secrets(),
        }
        return deploy.deploy(built, parameters, emulator_url, secrets=secrets)

    def _start_dialer(self, built: Build, deployment: Deployment, emulator_url: str) -> None:
        variables = dialer.variables_of(deployment.functions["DialNextFunction"], emulator_url, built)
        dialer.await_ready(self._noted(dialer.start(variables, self._record.log_dir)))

    def _seed(self, deployment: Deployment, emulator_url: str, *, rings_nobody: bool) -> dict[str, Any]:
        return dict(
            seed(
                deployment.outputs["TableName"],
                emulator_url,
                self._wishes.cap,
                from_number=self._wishes.from_number,
                webhook_url=self._wishes.webhook_url,
                rings_nobody=rings_nobody,
            )
        )

    def _open(self, door: socket.socket, built: Build, api_url: str, runners_url: str) -> None:
        """The front door also keeps what the functions run from: it is there for as long as the stack."""
        command = [
            sys.executable, "-m", "local.aws.front_door", "--fd", str(door.fileno()),
            "--target", api_url, "--runners", runners_url,
        ]  # fmt: skip
        environment = processes.clean_environment()
        with build.in_use(built) as layers:
            pass_fds = [door.fileno(), *layers]
            child = self._noted(
                processes.start("front-door", command, self._record.log_dir, environment, pass_fds=pass_fds)
            )
        processes.wait_until(child, lambda: processes.ready_line(child) is not None, _READY_WITHIN_S)

    def _described(
        self,
        called: Addresses,
        emulator_url: str,
        livekit: LivekitServer,
        deployment: Deployment,
        seeded: dict[str, Any],
    ) -> Stack:
        return Stack(
            base_url=called.base_url,
            public_url=called.public_url,
            api_key=seeded["api_key"],
            org_handle=seeded["org_handle"],
            account_id=seeded["account_id"],
            agent_id=seeded["agent_id"],
            pipe_id=seeded["pipe_id"],
            runner_agent_id=seeded["runner_agent_id"],
            runner_pipe_id=seeded["runner_pipe_id"],
            from_number=seeded["from_number"],
            livekit_url=livekit.url,
            livekit_api_key=livekit.api_key,
            livekit_api_secret=livekit.api_secret,
            hooks_url=called.hooks_url,
            agent_name=self._wishes.agent_name,
            log_dir=str(self._record.log_dir),
            sip_trunk_id=livekit.sip_trunk_id,
            cap=self._wishes.cap,
            webhook_url=self._wishes.webhook_url,
            webhook_secret=seeded.get("webhook_secret"),
            phones_url=livekit.phones_url,
            emulator_url=emulator_url,
            api_url=deployment.api_url(emulator_url),
            table_name=deployment.outputs["TableName"],
            doorbell_queue_url=deployment.outputs["DoorbellQueueUrl"],
            delivery_queue_url=deployment.outputs["DeliveryQueueUrl"],
            secrets_name=deployment.outputs["SecretsName"],
            functions=deployment.functions,
        )


async def _outbound_trunk(url: str) -> str:
    """The id of the phone network's outbound trunk, made here if it has none, as an operator does once at LiveKit."""
    from livekit import api

    async with api.LiveKitAPI(url, _PHONES_KEY, _PHONES_SECRET) as livekit:
        trunks = (await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items
        if trunks:
            return trunks[0].sip_trunk_id
        trunk = api.SIPOutboundTrunkInfo(name="carrier", address="sip.carrier.example", numbers=[FROM_NUMBER])
        return (await livekit.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))).sip_trunk_id


# The functions that no HTTP request reaches, and one request for each function that a request does reach. Neither gives
# a function anything to do.
_WORKERS = (
    "DeliverWebhookFunction",
    "DialNextFunction",
    "RelayCallChangesFunction",
    "ServeRunnersFunction",
    "SweepFunction",
)
_REFUSED = frozenset({401, 403})
_NO_BODY = frozenset({400})
_REQUESTS = (
    ("POST", "/hooks/livekit", _REFUSED),
    ("POST", "/v1/calls/call_0/agent-events", _REFUSED),
    ("POST", "/v1/calls/call_0/brain", _REFUSED),
    ("POST", "/v1/calls", _NO_BODY),
    ("GET", "/v1/calls", frozenset({200})),
    ("GET", "/v1/sessions", frozenset({200})),
    ("GET", "/v1/webhook-endpoints", frozenset({200})),
)
_NOT_SET_UP = frozenset({404})
"""What the function of the carriers' hooks answers for a carrier without a secret."""


def answers_expected(carrier_secrets: CarrierSecrets) -> list[tuple[str, str, frozenset[int]]]:
    """One request with the account's key, and no body, for each function that a request reaches, with what the function
    answers to it. Without a good key API Gateway answers by itself, and no function starts."""
    carriers = {
        "generic": carrier_secrets.sip_hook_secret,
        "telnyx": carrier_secrets.telnyx_public_key,
        "twilio": carrier_secrets.twilio_auth_token,
    }
    expected = [*_REQUESTS]
    for form, secret in carriers.items():
        expected.append(("POST", f"/hooks/sip/{form}", _REFUSED if secret else _NOT_SET_UP))
    return expected


def _warm_up(
    deployment: Deployment, base_url: str, emulator_url: str, carrier_secrets: CarrierSecrets, api_key: str
) -> None:
    """Starts a process of every function, so that the first call is as quick as the next. Raises StackError if one does
    not start."""
    aws_lambda = deploy.client("lambda", emulator_url)

    def invoke(logical_id: str) -> str:
        answer = aws_lambda.invoke(FunctionName=deployment.functions[logical_id], Payload=b'{"Records":[]}')
        return f"{logical_id}: {answer['Payload'].read().decode()}" if "FunctionError" in answer else ""

    def request(method: str, path: str, expected: frozenset[int]) -> str:
        status = ask(method, base_url + path, f"Bearer {api_key}")
        return "" if status in expected else f"{method} {path}: {status}"

    with ThreadPoolExecutor(2) as aside:
        starting = [aside.submit(invoke, logical_id) for logical_id in _WORKERS]
        starting += [aside.submit(request, *each) for each in answers_expected(carrier_secrets)]
    failed = [failure for failure in (each.result() for each in starting) if failure]
    if failed:
        raise StackError("not every function starts:\n" + "\n".join(failed))
