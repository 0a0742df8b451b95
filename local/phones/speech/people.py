"""Who is on the phone at the moment, so that somebody else can tell them what to say."""

from local.phones.speech.person import Person


class People:
    """Persons by the number of their phone call in the ledger, as long as an agent that hears words is with them."""

    def __init__(self) -> None:
        self._persons: dict[int, Person] = {}

    def enter(self, call_id: int, person: Person) -> None:
        self._persons[call_id] = person

    def leave(self, call_id: int) -> None:
        self._persons.pop(call_id, None)

    def at(self, call_id: int) -> Person | None:
        return self._persons.get(call_id)
