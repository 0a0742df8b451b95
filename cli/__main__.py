"""`python -m cli`: accounts, keys and limits of a running deployment, and what its accounts call with.

    python -m cli account create NAME --max-calls 20          a new account; prints its key, once
    python -m cli account ACCOUNT                             cap and lines in use
    python -m cli account ACCOUNT --max-calls 20              so many calls at once, from now on
    python -m cli key create|list|revoke ACCOUNT              its API keys
    python -m cli agent|pipe|number put|list|delete ACCOUNT   whom it calls with, from which number, who takes its calls
    python -m cli trunk TRUNK --calls-per-second 1.5          so many dials a second through that trunk; 0 for no limit

AWS credentials and region come from the environment, as for any AWS command; `--stack` names the deployment.
"""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from cli import accounts, routing
from cli.deployment import Deployment, find_deployment
from ringline.runtime.web.problems import Problem

__all__ = ["Deployment", "find_deployment", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(_in_full(sys.argv[1:] if arguments is None else arguments))
    try:
        print(asked.run(find_deployment(asked.stack), asked))
    except Problem as problem:
        print(f"error: {problem.title}", file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    description = "Accounts, keys and limits of a running deployment, and what its accounts call with."
    parser = argparse.ArgumentParser(prog="python -m cli", description=description)
    parser.add_argument("--stack", default="ringline", help="the deployment's CloudFormation stack (default: ringline)")
    nouns = parser.add_subparsers(dest="noun", required=True)
    accounts.add_commands(nouns)
    routing.add_commands(nouns)
    return parser


_AFTER_ACCOUNT = {"create", "lines", "-h", "--help"}


def _in_full(arguments: Sequence[str]) -> list[str]:
    """`account ACCOUNT` is short for `account lines ACCOUNT`."""
    words = list(arguments)
    positional = (at for at, word in enumerate(words) if word[:1] != "-" and words[at - 1 : at] != ["--stack"])
    after = next(positional, len(words)) + 1
    if words[after - 1 : after] == ["account"] and after < len(words) and words[after] not in _AFTER_ACCOUNT:
        words.insert(after, "lines")
    return words


if __name__ == "__main__":
    sys.exit(main())
