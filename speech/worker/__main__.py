"""`python -m speech.worker` serves; `python -m speech.worker check` says whether the settings and voices are good."""

import asyncio
import os
import sys

from speech.worker.logs import log_json
from speech.worker.main import checked_profiles, serve
from speech.worker.settings import Settings, SettingsError
from speech.worker.voices.profile import ProfileError

WRONG_SETTINGS = 2


def main(arguments: list[str]) -> int:
    """The exit code: 0 after a drain, 2 for settings that are wrong, which are named."""
    try:
        settings = Settings.read(os.environ)
        if arguments == ["check"]:
            for name, profile in checked_profiles(settings).items():
                print(f"{name}: hears by {profile.stt_provider}, speaks by {profile.tts_provider}")  # noqa: T201
            return 0
        log_json(settings.log_level)
        asyncio.run(serve(settings))
    except (SettingsError, ProfileError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return WRONG_SETTINGS
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
