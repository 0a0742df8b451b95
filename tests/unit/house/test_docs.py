"""What README, CONTRIBUTING and docs/ name is there: files, tests, constants, `make` targets, modules, links and the
headings that links lead to. Only what stands in code spans and code blocks is read as a name.

A page that tells how to add something has an example, which is not there: the example's name is in EXAMPLES, and
whatever contains it is left out.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ADDING = [page for page in PAGES if page.name.startswith("adding-")]

MOST_LINES_OF_THE_README = 130
"""The first five minutes."""
MOST_LINES_OF_ADDING = 80
"""One page."""

FROM = (
    ROOT,
    ROOT / "layers/core",
    ROOT / "layers/core/ringline",
    ROOT / "layers/core/ringline/calls",
    ROOT / "local/phones",
)
"""The folders from which pages name files. A page beside them names its neighbours too."""

SOURCES = (
    *("cli", "dialer", "docs", "events", "examples", "functions", "layers", "local"),
    *("requirements", "simulation", "speech", "tests"),
)
NOT_SOURCES = {"stack.json", "first_call.py", "samconfig.toml"}
"""Made by `make up`, or by the reader."""

OF_THE_SDK = "UNPOD_"
"""Its own variables begin so."""

EXAMPLES = {
    "adding-a-carrier.md": re.compile("sandtel"),
    "adding-a-function.md": re.compile("count_waiting|accounts_that_wait"),
    "adding-a-reason.md": re.compile("ANONYMOUS"),
    "adding-a-sandbox-number.md": re.compile("far_from_its_owner"),
}

COMMENT = re.compile(r"\s#\s.*$", re.MULTILINE)
METHOD = re.compile(r"[\w.]+\(")
CODE = re.compile(r"^```.*?^```|^ {4,}\S.*?$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
WORD = re.compile(r"[^\s`'\"()\[\],;]+")
FILE = re.compile(r"[\w.<>*/-]+\.(?:py|md|json|ya?ml|toml)")
FOLDER = re.compile(r"(?:[\w.<>*-]+/)+[\w.<>*-]*")
PLACEHOLDER = re.compile(r"<[\w ]+>")
MAKE = re.compile(r"\bmake ((?:[a-z][\w-]*)(?:<function>)?)")
INVOKE = re.compile(r"make invoke-(\w+) EVENT=(\w+)")
MODULE = re.compile(r"python[\d.]* -m ([\w.]+)")
TEST = re.compile(r"\btest_\w+(?!\w*\.py)\b")
CONSTANT = re.compile(r"_?[A-Z][A-Z\d]*(?:_[A-Z\d]+)+")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
IN_A_SHELL = re.compile(r"\$\{?([A-Z][A-Z_]+)")
OF_THE_SHELL = {"PATH", "PWD", "HOME", "USER"}
THE_READERS_OWN = {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "TWILIO_AUTH_TOKEN"}
"""Secrets that somebody else gave them."""
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def named(page: Path) -> Iterator[str]:
    """The code spans and blocks of a page, without comments and the lines that are about its example."""
    example = EXAMPLES.get(page.name)
    for found in CODE.finditer(page.read_text()):
        code = METHOD.sub("", COMMENT.sub("", found.group()))
        yield "\n".join(line for line in code.splitlines() if example is None or not example.search(line))


@cache
def sources() -> tuple[Path, ...]:
    folders = (path for name in SOURCES for path in (ROOT / name).rglob("*"))
    return (*(path for path in folders if "__pycache__" not in path.parts), *ROOT.glob("*"), *ROOT.glob(".*"))


@cache
def all_code() -> str:
    return "\n".join(path.read_text() for path in sources() if path.suffix in {".py", ".yaml", ".toml"})


def is_there(page: Path, name: str) -> bool:
    """Whether a file or folder is there, under that path from one of the usual places, or somewhere by that name."""
    if "/" not in name:
        return any(path.name == name for path in sources())
    pattern = PLACEHOLDER.sub("*", name).strip("/")
    return any(any(folder.glob(pattern)) for folder in (*FROM, page.parent))


def looks_like_ours(name: str) -> bool:
    """Whether the word names a file, or a folder below one that we have; not a route of the API, nor what is built."""
    if name.startswith(("/", "http", ".local", ".venv", "...")) or Path(name).name in NOT_SOURCES:
        return False
    if FILE.fullmatch(name):
        return True
    first = name.partition("/")[0]
    return FOLDER.fullmatch(name) is not None and any((folder / first).is_dir() for folder in FROM)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    words = {word.partition("::")[0].rstrip(".:") for code in named(page) for word in WORD.findall(code)}
    assert [word for word in sorted(words) if looks_like_ours(word) and not is_there(page, word)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_and_modules_that_a_page_names_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*%?):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join(named(page))
    asked = {"invoke-%" if target.startswith("invoke-") else target for target in MAKE.findall(code)}
    assert asked <= targets
    for function, case in INVOKE.findall(code):
        assert (ROOT / "events" / function / f"{case}.json").is_file(), f"{function} has no event {case}"
    for module in MODULE.findall(code):
        path = ROOT / module.replace(".", "/")
        ours = path.parts[len(ROOT.parts)] in SOURCES
        assert not ours or (path / "__main__.py").is_file() or path.with_suffix(".py").is_file(), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_says_where_what_its_commands_take_from_the_shell_is_set(page: Path) -> None:
    text = page.read_text()
    used = {name for block in CONSOLE.findall(text) for name in IN_A_SHELL.findall(block)}
    of_ours = sorted(used - OF_THE_SHELL - THE_READERS_OWN)
    assert [name for name in of_ours if f"{name}=" not in text and f"`${name}`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_and_constants_that_a_page_names_are_there(page: Path) -> None:
    for code in named(page):
        for name in TEST.findall(code):
            assert f"def {name}(" in all_code() or is_there(page, f"{name}.py"), name
        name = code.strip("`")
        if CONSTANT.fullmatch(name) and not name.startswith(OF_THE_SDK):
            assert name in all_code(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        where, _, heading = target.partition("#")
        path = (page.parent / where).resolve() if where else page
        assert path.exists(), f"{target} leads nowhere"
        assert not heading or heading in anchors(path), f"{target}: there is no such heading"


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in HEADING.findall(page.read_text())
    }


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_LINES_OF_THE_README


@pytest.mark.parametrize("page", ADDING, ids=lambda page: page.name)
def test_how_to_add_something_is_one_page(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= MOST_LINES_OF_ADDING


@pytest.mark.parametrize(
    "name", ["tests/unit/test_gone.py", "calls/rules/gone.py", "gone.py", "docs/gone/", "events/<function>/gone.json"]
)
def test_a_name_of_what_is_not_there_is_noticed(name: str) -> None:
    assert looks_like_ours(name)
    assert not is_there(ROOT / "README.md", name)
