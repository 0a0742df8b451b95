"""A file that the egress could write only to its own backup storage is not in our bucket, whatever its status says."""

import json
from typing import Any

import pytest

from ringline.calls.model.events import RecordingSeen
from ringline.calls.signals.observe import recording_seen
from ringline.calls.tables.recordings import ERROR_CHARS
from ringline.telephony.hook import read
from tests.builders import NOW

KEY = "acc_1/recordings/call_1-1.ogg"
BACKUP = "https://backup.example.com/egress/acc_1/recordings/call_1-1.ogg"


def seen(**egress: Any) -> RecordingSeen:
    info = {"egressId": "EG_1", "roomName": "acc_1.call_1.1", "status": "EGRESS_COMPLETE", **egress}
    report = read(json.dumps({"event": "egress_ended", "egressInfo": info}).encode()).egress
    assert report is not None
    return recording_seen(report, NOW, 1, is_over=True)


@pytest.mark.parametrize("status", ["EGRESS_COMPLETE", "EGRESS_LIMIT_REACHED"])
@pytest.mark.parametrize(
    ("file", "place"),
    [
        ({"filename": KEY, "location": BACKUP}, BACKUP),
        ({"filename": KEY, "location": f"{BACKUP}?X-Amz-Signature=secret"}, BACKUP),
        ({"filename": KEY}, KEY),
        ({}, "a place that LiveKit does not name"),
    ],
)
def test_a_file_in_the_backup_storage_is_a_failure_that_says_where_it_is(
    status: str, file: dict[str, str], place: str
) -> None:
    told = seen(status=status, backupStorageUsed=True, fileResults=[file])
    assert (told.status, told.key) == ("failed", None)
    assert told.error == f"the file is in the backup storage of LiveKit's egress: {place}"


def test_a_long_place_is_cut_to_what_a_row_keeps() -> None:
    told = seen(backupStorageUsed=True, fileResults=[{"location": "https://x/" + "y" * 500}])
    assert told.error is not None and len(told.error) == ERROR_CHARS


def test_an_egress_that_is_not_over_is_not_judged_by_its_backup_storage() -> None:
    assert seen(status="EGRESS_ENDING", backupStorageUsed=True).status == "started"


def test_a_file_where_it_was_asked_for_is_ended() -> None:
    assert (seen(fileResults=[{"filename": KEY}]).status, seen(fileResults=[{"filename": KEY}]).key) == ("ended", KEY)
