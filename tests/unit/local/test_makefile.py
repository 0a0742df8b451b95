"""What `make` hands on to what it runs."""

import subprocess
from pathlib import Path

from local.tools.places import ROOT


def environment_below_make(**exported: str) -> dict[str, str]:
    """The environment of a recipe."""
    seen = subprocess.run(
        ["make", "-f", "-", "shown"],
        input="include Makefile\nshown:; @env\n",
        env={"PATH": "/usr/bin:/bin", **exported},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in seen.stdout.splitlines() if "=" in line)


def test_nothing_that_is_exported_for_the_sdk_is_handed_on() -> None:
    seen = environment_below_make(UNPOD_PLATFORM_TOKEN="sk_stale", UNPOD_BASE_URL="http://elsewhere")
    assert not [name for name in seen if name.startswith("UNPOD_")]


def test_uv_keeps_what_it_downloads_in_the_home_of_its_user(tmp_path: Path) -> None:
    assert "UV_CACHE_DIR" not in environment_below_make(HOME=str(tmp_path))


def test_who_has_no_home_that_can_be_written_has_all_of_it_below_the_checkout() -> None:
    seen = environment_below_make(HOME="/dev/null")
    assert seen["UV_CACHE_DIR"] == str(ROOT / ".local" / "uv-cache")
    assert seen["UV_PYTHON_INSTALL_DIR"] == str(ROOT / ".local" / "uv-python")
    assert environment_below_make(HOME="/dev/null", UV_CACHE_DIR="/elsewhere")["UV_CACHE_DIR"] == "/elsewhere"


def test_files_are_utf_8_whatever_the_locale_says() -> None:
    assert environment_below_make(LC_ALL="C")["PYTHONUTF8"] == "1"
