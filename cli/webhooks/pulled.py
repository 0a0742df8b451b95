"""Events as the API keeps them, asked for again and again: no server on the internet has to lead to this machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cli.reach.api import Api, Document, Sleep
from cli.reach.patience import Patience

EVERY_S = 1.0

_PAGE_ROWS = 100


def newest(is_more_after: Callable[[int], bool], oldest: int) -> int:
    """The number of the newest event, found in about twice the logarithm of how many there are: numbers have no gap.
    `oldest` is the number of one that there is."""
    reach = 1
    while is_more_after(oldest + reach - 1):
        reach *= 2
    there, too_far = oldest + reach // 2, oldest + reach
    while too_far - there > 1:
        middle = (there + too_far) // 2
        if is_more_after(middle - 1):
            there = middle
        else:
            too_far = middle
    return there


@dataclass
class Pulled:
    """Every event after `after`, in order, as it comes; without end. None stands for a look that found nothing new.
    Raises the failure of an API that stays away."""

    api: Api
    sleep: Sleep
    after: int

    def events(self) -> Iterator[Document | None]:
        patience = Patience()
        while True:
            rows = patience.look(self._behind) or []
            for row in rows:
                self.after = int(row["sequence"])
                yield row
            if not rows:
                yield None
                self.sleep(EVERY_S)

    def _behind(self) -> list[Document]:
        return self.api.page("/v1/events", {"after": self.after, "limit": _PAGE_ROWS}).rows


def newest_number(api: Api) -> int:
    """The number of the account's newest event, 0 where it has none."""

    def first_after(number: int) -> list[Document]:
        return api.page("/v1/events", {"after": number, "limit": 1}).rows

    first = first_after(0)
    return newest(lambda number: bool(first_after(number)), int(first[0]["sequence"])) if first else 0
