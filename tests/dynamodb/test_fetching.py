"""DynamoDB Local is what its pins say, or is not there."""

from pathlib import Path

import pytest

from local.aws import dynamodb_local
from local.tools.processes import StackError


def a_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, with a Java of 17 in it; whatever is fetched goes beside it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    a_program(folder, "java", "echo 'openjdk version \"17.0.15\" 2025-04-15' >&2")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(dynamodb_local, "_JARS", tmp_path / "jars")
    return folder


def test_a_missing_java_or_maven_is_named(programs: Path) -> None:
    with pytest.raises(StackError, match=r"Maven \(`mvn`\) is needed"):
        dynamodb_local.fetch()
    (programs / "java").unlink()
    with pytest.raises(StackError, match=r"JDK of version 17 or later is needed.* no `java`"):
        dynamodb_local.fetch()


@pytest.mark.parametrize("older", ['openjdk version "11.0.2"', 'java version "1.8.0_402"', ""])
def test_an_older_java_is_refused(programs: Path, older: str) -> None:
    a_program(programs, "java", f"echo '{older}' >&2")
    with pytest.raises(StackError, match="version 17 or later"):
        dynamodb_local.fetch()


def test_a_failure_of_maven_is_told_in_its_words(programs: Path) -> None:
    a_program(programs, "mvn", "echo 'no such artifact'; exit 1")
    with pytest.raises(StackError, match="no such artifact"):
        dynamodb_local.fetch()


def test_a_jar_that_is_not_what_was_pinned_is_named_and_removed(programs: Path, tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    a_program(programs, "mvn", f"/bin/mkdir -p {jars}; echo other > {jars}/DynamoDBLocal-2.6.1.jar")
    with pytest.raises(StackError, match=r"is not what .*SHA256SUMS says:\n(.*\n)*DynamoDBLocal-2\.6\.1\.jar"):
        dynamodb_local.fetch()
    assert not jars.exists()
