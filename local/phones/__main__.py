"""`python -m local.phones --port 7880 --hooks-url http://127.0.0.1:8000/hooks/livekit`.

Prints `ready <url>` when it listens, logs to stderr, ends at SIGTERM or Ctrl-C.
"""

import argparse
import asyncio
import logging
import signal
import sys

from local.phones.carrier.forms import CarrierSecrets
from local.phones.model.post import EVENTS
from local.phones.network import NetworkConfig, PhoneNetwork
from local.phones.numbers import book
from local.phones.numbers.table import families_table, table_of


def main() -> None:
    arguments = _arguments()
    if arguments.numbers:
        sys.stdout.write(table_of(book.NUMBERS) + "\n" + families_table())
        return
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(_serve(_config(arguments)))


def _arguments() -> argparse.Namespace:
    defaults = NetworkConfig()
    parser = argparse.ArgumentParser(prog="python -m local.phones", description="A phone network for one machine.")
    parser.add_argument("--port", type=int, default=7880, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--hooks-url", action="append", default=[], help="where webhooks go; may be repeated")
    parser.add_argument(
        "--exclude-event",
        action="append",
        default=[],
        choices=EVENTS,
        metavar="EVENT",
        help="an event that is not posted; may be repeated",
    )
    parser.add_argument("--api-key", default=defaults.api_key)
    parser.add_argument("--api-secret", default=defaults.api_secret)
    parser.add_argument("--agent-name", default=defaults.agent_name, help="dispatches for this name find a worker")
    parser.add_argument(
        "--own-agent-name",
        action="append",
        default=[],
        help=f"a customer's worker is registered under it, too; may be repeated (else {defaults.own_agent_names[0]})",
    )
    parser.add_argument(
        "--speech-agent-name", default=defaults.speech_agent_name, help="dispatches for this name find a speech worker"
    )
    parser.add_argument("--speech-places", type=int, default=defaults.speech_places, help="how many calls it takes")
    parser.add_argument("--trunk-id", default=defaults.trunk_id, help="an outbound trunk that is there at once")
    parser.add_argument("--trunk-number", default=defaults.trunk_number, help="the number it calls from")
    parser.add_argument("--carrier-hooks-url", help="carriers post to its /hooks/sip/<form>; none: they say nothing")
    parser.add_argument("--sip-hook-secret", help="whsec_..., signs the generic form")
    parser.add_argument("--telnyx-private-key", help="32 bytes of Ed25519 in base64, signs Telnyx's form")
    parser.add_argument("--twilio-auth-token", help="signs Twilio's form")
    parser.add_argument(
        "--time-scale", type=float, default=defaults.time_scale, help="0.1 makes calls ten times faster"
    )
    parser.add_argument("--numbers", action="store_true", help="prints the telephone book as Markdown and ends")
    return parser.parse_args()


def _config(arguments: argparse.Namespace) -> NetworkConfig:
    return NetworkConfig(
        hooks_urls=tuple(arguments.hooks_url),
        exclude_events=tuple(arguments.exclude_event),
        api_key=arguments.api_key,
        api_secret=arguments.api_secret,
        agent_name=arguments.agent_name,
        own_agent_names=tuple(arguments.own_agent_name) or NetworkConfig().own_agent_names,
        speech_agent_name=arguments.speech_agent_name,
        speech_places=arguments.speech_places,
        port=arguments.port,
        time_scale=arguments.time_scale,
        trunk_id=arguments.trunk_id,
        trunk_number=arguments.trunk_number,
        carrier_hooks_url=arguments.carrier_hooks_url,
        carrier_secrets=CarrierSecrets(
            generic=arguments.sip_hook_secret,
            telnyx_key=arguments.telnyx_private_key,
            twilio_token=arguments.twilio_auth_token,
        ),
    )


async def _serve(config: NetworkConfig) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    async with PhoneNetwork(config) as network:
        sys.stdout.write(f"ready {network.url}\n")
        sys.stdout.flush()
        await stopping.wait()


main()
