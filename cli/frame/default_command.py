"""A group one of whose commands needs no name: `call +14155550123` is `call place +14155550123`."""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup

_EVERYWHERE_BEFORE = {"--json": 1, "--profile": 2}
"""How many words each option takes that may stand before a command's name."""


class WithDefault(TyperGroup):
    """`default` is the name of the command that is meant where none is named."""

    default = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._named(args))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        completions = list(super().shell_complete(ctx, incomplete))
        if incomplete.startswith("-"):
            completions += self.commands[self.default].shell_complete(ctx, incomplete)
        return list({each.value: each for each in completions}.values())

    def _named(self, args: Sequence[str]) -> list[str]:
        """The words with the command's name before all of its options. A word that begins with a letter is a command's,
        also one that there is not: it is refused with the one that was meant."""
        at = 0
        while at < len(args) and args[at] in _EVERYWHERE_BEFORE:
            at += _EVERYWHERE_BEFORE[args[at]]
        if at >= len(args) or args[at] in {"-h", "--help"}:
            return list(args)
        if args[at][:1].isalpha():
            return [args[at], *args[:at], *args[at + 1 :]]
        return [self.default, *args]
