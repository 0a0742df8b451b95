"""The catalogue of voices: `client.voice_profiles` of the SDK. Whoever runs the deployment changes it."""

from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import invalid_field, not_found
from ringline.runtime.web.revisions import revised
from ringline.runtime.web.routes import Request, Route
from ringline.setup.checks import Voices
from ringline.setup.views import voice_profile_view

_ANSWERS = "ringline.resources.answers.setup"
_LONGEST_LANGUAGE = 35


@dataclass(frozen=True, slots=True)
class VoiceProfiles:
    catalogue: Voices

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/voice-profiles",
                self.list_them,
                summary="Lists the voices of this deployment",
                query="ringline.resources.answers.queries:VoiceFilters",
                answer=f"{_ANSWERS}:VoiceProfileList",
            ),
            Route(
                "GET",
                "/v1/voice-profiles/<profile_id>",
                self.get,
                summary="Shows a voice",
                answer=f"{_ANSWERS}:ShownVoiceProfile",
                problems=("no_such_voice_profile",),
                has_revision=True,
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        unknown = sorted(set(request.query) - {"language"})
        if unknown:
            raise invalid_field(unknown[0], "is not known here: nothing would be done about it")
        language = request.query.get("language") or None
        if language is not None and len(language) > _LONGEST_LANGUAGE:
            raise invalid_field("language", "is no language such as en or en-US")
        profiles = self.catalogue.profiles(language)
        return json_response(200, listing([voice_profile_view(each) for each in profiles], None))

    def get(self, _request: Request, profile_id: str) -> Response[str]:
        profile = self.catalogue.profile(profile_id) if is_plausible_id(profile_id) else None
        if profile is None:
            raise not_found("no_such_voice_profile", "There is no such voice")
        return json_response(200, voice_profile_view(profile), revised(profile.revision))
