"""Writes tests/fixtures/releases/<name>.json anew: what a release wrote, by its own code. Or has an earlier release
read what this one writes, as it has to after a rollback.

    python -m local.releases 8e192f8 [name]
    python -m local.releases --read-by 8e192f8
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.tools.places import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "releases"
_HERE = Path(__file__).parent


@contextmanager
def code_of(commit: str) -> Iterator[Path]:
    """The core layer of a release, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "release"
        subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(tree), commit], cwd=ROOT, check=True)
        try:
            yield tree / "layers" / "core"
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def run(script: str, core: Path, told: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a script of this folder with the code in that one."""
    return subprocess.run(
        [sys.executable, str(_HERE / script)],
        env={**os.environ, "PYTHONPATH": str(core), "AWS_EC2_METADATA_DISABLED": "true"},
        cwd=tempfile.gettempdir(),
        input=told,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )


def written_by(core: Path) -> str:
    """What the code in that folder writes, as JSON text with a row a line."""
    answer = run("written.py", core)
    answer.check_returncode()
    told = json.loads(answer.stdout)
    rows = ",\n".join(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in told["rows"])
    messages = json.dumps(told["messages"], indent=1, sort_keys=True)
    return f'{{"rows": [\n{rows}\n],\n"messages": {messages}}}\n'


def read_by(commit: str) -> int:
    with code_of(commit) as core:
        answer = run("read.py", core, written_by(ROOT / "layers" / "core"))
    print(answer.stdout or f"{commit} reads all that this release writes\n", end="")
    return answer.returncode


def main() -> int:
    commit, *rest = sys.argv[1:]
    if commit == "--read-by":
        return read_by(rest[0])
    with code_of(commit) as core:
        text = written_by(core)
    path = FIXTURES / f"{rest[0] if rest else commit}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
