"""Makes a release: version, changelog, tag, what it writes as fixtures, and what is given away beside its source.

    python -m local.releases.release 0.2.0 [--dry-run]

A dry run does all of it in a clone, which is thrown away. Nothing is pushed in either.
"""

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.aws.build import find_uv
from local.releases.cut import WHERE, NotReady, as_numbers, cut, with_version
from local.tools.places import LOCAL, ROOT

MATERIALS: Mapping[str, str] = {"layer": "runtime.txt", "speech-worker": "speech.txt"}
"""What is run, and the lock in requirements/ of what it is made of. The dialer's container has the layer's."""

_CYCLONEDX = LOCAL / "checks" / "bin" / "cyclonedx-py"


def release(
    tree: Path, version: str, day: str, given_away: Path, materials: Mapping[str, str] = MATERIALS
) -> list[Path]:
    """The files that are given away. Two commits and a tag are made in the tree. Raises NotReady before anything is
    changed."""
    old = tomllib.loads((tree / "pyproject.toml").read_text())["project"]["version"]
    _check(tree, version, old)
    if given_away.exists():
        raise NotReady(f"{given_away} is there already: remove it")
    texts = {path: with_version(path, (tree / path).read_text(), old, version) for path in WHERE}
    texts["CHANGELOG.md"] = cut((tree / "CHANGELOG.md").read_text(), version, day)
    for path, text in texts.items():
        (tree / path).write_text(text)
    _git(tree, "commit", "--quiet", "--all", "--no-verify", "--message", f"Release {version}")
    _git(tree, "tag", "--annotate", f"v{version}", "--message", f"Ringline {version}")
    # Written by the code of the tag itself, as whoever upgrades from it will have it in the table.
    subprocess.run([sys.executable, "-m", "local.releases", f"v{version}", version], cwd=tree, check=True)
    _git(tree, "add", "tests/fixtures/releases")
    message = f"What {version} writes, for the tests of later releases"
    _git(tree, "commit", "--quiet", "--no-verify", "--message", message)
    return give_away(tree, version, given_away, materials)


def _check(tree: Path, version: str, old: str) -> None:
    if as_numbers(version) < as_numbers(old):
        raise NotReady(f"{version} comes before {old}")
    if _git(tree, "tag", "--list", f"v{version}"):
        raise NotReady(f"there is a tag v{version} already")
    if _git(tree, "status", "--porcelain"):
        raise NotReady("there are changes that are not committed")
    if not _CYCLONEDX.exists():
        raise NotReady("cyclonedx-py is not installed: `make release` does it")


def give_away(tree: Path, version: str, folder: Path, materials: Mapping[str, str] = MATERIALS) -> list[Path]:
    """The source of the tag, what layer and speech worker are made of (CycloneDX) with the licences, and the hashes of
    all."""
    folder.mkdir(parents=True)
    name = f"ringline-{version}"
    archive = subprocess.run(
        ["git", "archive", "--format=tar", f"--prefix={name}/", f"v{version}"],
        cwd=tree,
        check=True,
        stdout=subprocess.PIPE,
    )
    source = folder / f"{name}.tar.gz"
    source.write_bytes(gzip.compress(archive.stdout, mtime=0))
    made = [source]
    for what, lock in materials.items():
        listed = folder / f"{name}-{what}.cdx.json"
        _list_materials(tree / "requirements" / lock, listed)
        licences = folder / f"{name}-{what}-licences.txt"
        licences.write_text("".join(f"{line}\n" for line in licences_of(json.loads(listed.read_text()))))
        made += [listed, licences]
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in made))
    return [*made, sums]


def _list_materials(lock: Path, target: Path) -> None:
    """Of the packages as they are installed: a lock does not know their licences."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "bin" / "python"
        commands = [
            [find_uv(), "venv", "--quiet", "--python", sys.executable, folder],
            [find_uv(), "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(lock)],
            [
                str(_CYCLONEDX),
                "environment",
                "--PEP-639",
                "--output-reproducible",
                "--outfile",
                str(target),
                str(python),
            ],
        ]
        for command in commands:
            subprocess.run(command, check=True)


def licences_of(materials: dict[str, Any]) -> list[str]:
    """A line for each package: name, version, licence. Raises NotReady for one whose licence is not known."""
    lines = []
    for each in materials["components"]:
        told = {_licence(choice) for choice in each.get("licenses", [])}
        if not told:
            raise NotReady(f"{each['name']} {each['version']} does not say its licence")
        lines.append(f"{each['name']} {each['version']}: {', '.join(sorted(told))}")
    return sorted(lines)


def _licence(choice: dict[str, Any]) -> str:
    """What a package calls its licence. Where it has its own words for it, CycloneDX keeps them as the text."""
    if "expression" in choice:
        return str(choice["expression"])
    licence = choice["license"]
    words = licence.get("text", {}).get("content") or licence.get("id") or licence["name"]
    return str(words).strip().splitlines()[0].removeprefix("License :: OSI Approved :: ")


def _git(tree: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=tree, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make release", description="Makes a release of what is checked out.")
    parser.add_argument("version", help="x.y.z")
    parser.add_argument("--dry-run", action="store_true", help="do it in a clone, and throw that away")
    asked = parser.parse_args()
    day = datetime.now(UTC).date().isoformat()
    try:
        if asked.dry_run:
            with tempfile.TemporaryDirectory() as folder:
                tree = Path(folder) / "clone"
                _git(ROOT, "clone", "--quiet", str(ROOT), str(tree))
                made = release(tree, asked.version, day, Path(folder) / "given-away")
                print(_git(tree, "log", "--oneline", "--stat", "-2"))
                print("\n".join(f"{each.name}  {each.stat().st_size} bytes" for each in made))
            print("a dry run: nothing of it is left")
            return 0
        made = release(ROOT, asked.version, day, LOCAL / "releases" / asked.version)
    except NotReady as why:
        print(f"error: {why}", file=sys.stderr)
        return 2
    print("\n".join(str(each.relative_to(ROOT)) for each in made))
    print(f"look at it, then: git push && git push origin v{asked.version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
