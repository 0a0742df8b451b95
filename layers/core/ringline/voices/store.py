"""The catalogue of voice profiles: what every deployment has, and what its operator made of it.

| item          | pk     | sk
|---------------|--------|-----------
| voice profile | VOICES | <profile>

A row goes before the seeded profile of its id. One that is `hidden` takes it out of the catalogue.
"""

from dataclasses import replace
from typing import Any

from ringline.runtime.clock import Clock, now_ms
from ringline.runtime.items import from_item, to_item
from ringline.runtime.rows import attributes_of, to_row
from ringline.runtime.table import VOICES_PK
from ringline.runtime.web.problems import invalid_field
from ringline.voices.profiles import VoiceProfile, profile_from, seeded


class VoiceCatalogue:
    """Put replaces; the last writer wins."""

    def __init__(self, dynamodb: Any, table_name: str, clock: Clock = now_ms) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._clock = clock

    def profile(self, profile_id: str) -> VoiceProfile | None:
        row = self._row(profile_id)
        if row is None:
            return seeded().get(profile_id)
        return None if row.get("hidden") else profile_from(profile_id, row)

    def profiles(self, language: str | None = None) -> list[VoiceProfile]:
        """The catalogue, or what of it is of a language; ordered by id."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": VOICES_PK}),
        )
        rows = {each["sk"]: each for page in pages for each in map(from_item, page["Items"])}
        kept = {name: profile_from(name, row) for name, row in rows.items() if not row.get("hidden")}
        all_of_them = {name: each for name, each in seeded().items() if name not in rows} | kept
        found = (all_of_them[name] for name in sorted(all_of_them))
        return [each for each in found if language is None or each.speaks(language)]

    def put(self, profile: VoiceProfile) -> VoiceProfile:
        """Makes it or changes it, for all accounts. Raises Problem 422 for who neither hears nor speaks here."""
        if not profile.is_served:
            raise invalid_field("stt_provider", "or tts_provider is none that the speech worker has a plugin for")
        before, now = self.profile(profile.profile_id), self._clock()
        after = replace(
            profile,
            revision=1 if before is None else before.revision + 1,
            created_at=now if before is None else before.created_at,
            modified_at=now,
        )
        self._put(profile.profile_id, attributes_of(after))
        return after

    def delete(self, profile_id: str) -> bool:
        """Takes it out of the catalogue; pipes that name it keep it. False if it was not there."""
        if self.profile(profile_id) is None:
            return False
        self._put(profile_id, {"hidden": True})
        return True

    def _put(self, profile_id: str, fields: dict[str, Any]) -> None:
        item = {**fields, "pk": VOICES_PK, "sk": profile_id, "item_kind": "voice_profile"}
        self._dynamodb.put_item(TableName=self._table_name, Item=to_row(item))

    def _row(self, profile_id: str) -> dict[str, Any] | None:
        key = to_item({"pk": VOICES_PK, "sk": profile_id})
        item = self._dynamodb.get_item(TableName=self._table_name, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else from_item(item)
