"""Somebody who looks at the console's pages and presses their buttons."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

from cli.console.parts.asked import Answer, Asked
from cli.console.parts.office import Office
from cli.console.routes import answer
from cli.frame.desk import Desk
from tests.component.cli.terminal import Terminal


@dataclass
class Button:
    """A form that changes something: where it goes, from the page's address, and what it says."""

    action: str
    says: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen(HTMLParser):
    """A page as a reader has it."""

    answer: Answer
    text: str = ""
    links: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=True)
        self.feed(self.answer.body.decode())
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "a":
            self.links.append(str(given["href"]))
        if tag == "form" and given.get("method") == "post":
            self.buttons.append(Button(str(given["action"]), ""))
        if tag == "input" and self.buttons and given.get("type") == "hidden":
            self.buttons[-1].fields[str(given["name"])] = str(given["value"])

    def handle_data(self, data: str) -> None:
        self.text += f" {data} "
        if self.buttons and self.tags[-1] == "button":
            self.buttons[-1].says += data.strip()


class Browsing:
    """`office` is the console's own; nothing is between it and the pages but the server."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.office = Office(Desk(terminal.around()))

    def get(self, address: str, status: int = 200) -> Seen:
        """The page at an address, which is given from the console's root."""
        made = answer(self.office, _asked("GET", address))
        assert made.status == status, made.body.decode()
        return Seen(made)

    def post(self, address: str, **form: str) -> Answer:
        return answer(self.office, _asked("POST", address, form))

    def press(self, address: str, says: str) -> Seen:
        """Presses the first button of that name on a page, and follows where it leads."""
        button = next(each for each in self.get(address).buttons if each.says == says)
        done = self.post(from_page(address, button.action), **button.fields)
        assert (done.status, done.body) == (303, b""), done.body.decode()
        return self.get(str(done.location))

    def problem(self, address: str, **form: str) -> tuple[int, str]:
        """Status and text of what is refused."""
        made = self.post(address, **form) if form else answer(self.office, _asked("GET", address))
        return made.status, Seen(made).text


def from_page(address: str, link: str) -> str:
    """Where a link of a page leads, from the console's root."""
    above = urlsplit(address).path.split("/")[:-1]
    path, _, query = link.partition("?")
    parts = path.split("/")
    while parts and parts[0] == "..":
        parts, above = parts[1:], above[:-1]
    return "/".join([*above, *parts]) + (f"?{query}" if query else "")


def links_of(seen: Seen, address: str) -> Iterator[str]:
    for link in seen.links:
        yield from_page(address, link)


def _asked(method: str, address: str, form: dict[str, str] | None = None) -> Asked:
    split = urlsplit(address)
    return Asked(method, tuple(split.path.split("/")), dict(parse_qsl(split.query)), form or {})
