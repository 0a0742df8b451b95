"""`make release`, done in a clone: version, changelog, tag, fixtures, and what is given away."""

import hashlib
import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from local.releases.cut import WHERE, NotReady, as_numbers, cut, with_version
from local.releases.release import MATERIALS, licences_of, main, release
from local.tools.places import ROOT

DAY = "2026-11-29"
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n- Something.\n\n## [0.1.0] - 2026-11-28\n- All.\n"


OF_THE_LAYER = {"layer": MATERIALS["layer"]}
"""The speech worker's packages are many and large, and are listed by the same lines."""


def git(tree: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of what is committed, and somebody who may commit."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.com")
    git(tmp_path, "clone", "--quiet", str(ROOT), "clone")
    return tmp_path / "clone"


def test_a_release_is_a_tag_whose_version_changelog_and_source_are_of_one_mind(tree: Path, tmp_path: Path) -> None:
    made = {path.name: path for path in release(tree, "9.1.0", DAY, tmp_path / "given-away", OF_THE_LAYER)}
    for path, said in WHERE.items():
        assert said.format("9.1.0") in git(tree, "show", f"v9.1.0:{path}") + "\n"
    assert f"## [9.1.0] - {DAY}" in git(tree, "show", "v9.1.0:CHANGELOG.md")
    fixture = json.loads((tree / "tests/fixtures/releases/9.1.0.json").read_text())
    assert len(fixture["rows"]) > 20
    assert git(tree, "status", "--porcelain") == ""
    with tarfile.open(made["ringline-9.1.0.tar.gz"]) as source:
        assert "ringline-9.1.0/template.yaml" in source.getnames()
    materials = json.loads(made["ringline-9.1.0-layer.cdx.json"].read_text())
    assert {"pydantic", "livekit-api", "botocore"} <= {each["name"] for each in materials["components"]}
    assert len(made["ringline-9.1.0-layer-licences.txt"].read_text().splitlines()) == len(materials["components"])
    for line in made["SHA256SUMS"].read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256(made[name].read_bytes()).hexdigest() == digest


def test_what_each_container_and_the_layer_install_is_listed() -> None:
    locks = {f"requirements/{lock}" for lock in MATERIALS.values()}
    for image in ("speech/Dockerfile", "dialer/Dockerfile"):
        installed = set(re.findall(r"requirements/[\w-]+\.txt", (ROOT / image).read_text()))
        assert installed and installed <= locks, image
    assert "requirements/runtime.txt" in locks


@pytest.mark.parametrize(
    ("version", "why"),
    [("0.0.9", "comes before"), ("v1", "no version"), ("1.2", "no version"), ("01.0.0", "no version")],
)
def test_a_version_that_is_none_or_an_older_one_changes_nothing(
    tree: Path, tmp_path: Path, version: str, why: str
) -> None:
    with pytest.raises(NotReady, match=why):
        release(tree, version, DAY, tmp_path / "given-away")
    assert git(tree, "status", "--porcelain") == ""


def test_what_is_not_committed_or_tagged_already_is_not_released(tree: Path, tmp_path: Path) -> None:
    git(tree, "tag", "v9.1.0")
    with pytest.raises(NotReady, match=r"a tag v9\.1\.0 already"):
        release(tree, "9.1.0", DAY, tmp_path / "given-away")
    (tree / "README.md").write_text("another one")
    with pytest.raises(NotReady, match="not committed"):
        release(tree, "9.1.1", DAY, tmp_path / "given-away")


def test_the_command_says_what_is_to_be_done_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["release", "one"])
    assert main() == 2
    assert capsys.readouterr().err == "error: 'one' is no version: say VERSION=x.y.z\n"


def test_what_was_unreleased_is_below_the_version_and_a_new_heading_above() -> None:
    assert cut(CHANGELOG, "0.2.0", DAY).startswith(
        f"# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - {DAY}\n\n### Added\n- Something.\n"
    )


@pytest.mark.parametrize(
    ("changelog", "why"),
    [
        (CHANGELOG.replace("- Something.\n", ""), "nothing below"),
        (CHANGELOG.replace("Unreleased", "unreleased"), "no heading"),
        (cut(CHANGELOG, "0.2.0", DAY).replace("## [0.2.0]", "- More.\n\n## [0.2.0]"), "has 0.2.0 already"),
    ],
)
def test_a_changelog_that_says_nothing_new_is_not_cut(changelog: str, why: str) -> None:
    with pytest.raises(NotReady, match=why):
        cut(changelog, "0.2.0", DAY)


def test_a_file_that_says_another_version_is_not_changed() -> None:
    with pytest.raises(NotReady, match=r"pyproject.toml does not say"):
        with_version("pyproject.toml", 'version = "0.3.0"\n', "0.1.0", "0.2.0")


def test_ten_comes_after_nine() -> None:
    assert as_numbers("0.10.0") > as_numbers("0.9.9")


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ({"expression": "Apache-2.0 AND MIT"}, "Apache-2.0 AND MIT"),
        ({"license": {"id": "MIT"}}, "MIT"),
        ({"license": {"name": "License :: OSI Approved :: BSD License"}}, "BSD License"),
        ({"license": {"name": "declared license of 'one'", "text": {"content": "3-Clause BSD\nAll."}}}, "3-Clause BSD"),
    ],
)
def test_a_licence_is_called_what_the_package_calls_it(choice: dict[str, object], called: str) -> None:
    one = {"name": "one", "version": "1.0", "licenses": [choice]}
    assert licences_of({"components": [one]}) == [f"one 1.0: {called}"]


def test_a_package_that_does_not_say_its_licence_stops_the_release() -> None:
    with pytest.raises(NotReady, match=r"odd 1\.0 does not say"):
        licences_of({"components": [{"name": "odd", "version": "1.0"}]})
