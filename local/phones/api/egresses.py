"""livekit.Egress: recordings of rooms into files."""

from collections.abc import Iterable

from google.protobuf.message import Message
from livekit.protocol import egress

from local.phones.calls.exchange import Exchange
from local.phones.kernel.ids import new_id
from local.phones.kernel.twirp import TwirpError, not_found
from local.phones.recordings.bucket import Bucket
from local.phones.recordings.egress import Egress, Target
from local.phones.rooms.room import Room

_KEPT = 1000
_SECRET_FIELDS = ("access_key", "secret", "session_token")


class EgressApi:
    """Starting is not idempotent: each request is a recording of its own. The last thousand are remembered."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._egresses: dict[str, Egress] = {}

    async def start_room_composite(self, request: egress.RoomCompositeEgressRequest) -> egress.EgressInfo:
        """Records a room into one file. Raises TwirpError not_found without the room, invalid_argument without a
        file."""
        file = next(iter(request.file_outputs), request.file if request.HasField("file") else None)
        if file is None:
            raise _no_output()
        bucket = Bucket.asked_for(file.s3) if file.HasField("s3") else None
        info = egress.EgressInfo(room_composite=request)
        shown = info.room_composite
        _hide(each.s3 for each in (*shown.file_outputs, *([shown.file] if shown.HasField("file") else [])))
        return self._start(request.room_name, info, file.filepath, bucket)

    async def start(self, request: egress.StartEgressRequest) -> egress.EgressInfo:
        """The same in the words of newer clients: outputs, and storage of their own or of the request."""
        output = next((each for each in request.outputs if each.HasField("file")), None)
        if output is None:
            raise _no_output()
        storage = output.storage if output.HasField("storage") else request.storage
        bucket = Bucket.asked_for(storage.s3) if storage.HasField("s3") else None
        info = egress.EgressInfo(egress=request)
        _hide(each.s3 for each in (info.egress.storage, *(each.storage for each in info.egress.outputs)))
        return self._start(request.room_name, info, output.file.filepath, bucket)

    async def list_egress(self, request: egress.ListEgressRequest) -> egress.ListEgressResponse:
        found = [
            each.info
            for each in self._egresses.values()
            if request.egress_id in ("", each.info.egress_id)
            and request.room_name in ("", each.info.room_name)
            and not (request.active and each.is_over)
        ]
        return egress.ListEgressResponse(items=found)

    async def stop_egress(self, request: egress.StopEgressRequest) -> egress.EgressInfo:
        if (found := self._egresses.get(request.egress_id)) is None:
            raise not_found("egress")
        if found.is_over:
            status = egress.EgressStatus.Name(found.info.status)
            raise TwirpError("failed_precondition", f"egress with status {status} cannot be stopped")
        found.stop()
        return found.info

    def _start(
        self, room_name: str, info: egress.EgressInfo, filepath: str, bucket: Bucket | None
    ) -> egress.EgressInfo:
        room: Room | None = self._exchange.roster.get(room_name)
        if room is None:
            raise not_found("requested room")
        info.egress_id = new_id("EG_")
        info.room_id, info.room_name = room.sid, room.name
        key = filepath.replace("{room_name}", room.name) or f"{info.egress_id}.ogg"
        begun = Egress(self._exchange, room, info, Target(key.lstrip("/"), bucket))
        self._egresses[info.egress_id] = begun
        while len(self._egresses) > _KEPT:
            del self._egresses[next(iter(self._egresses))]
        self._exchange.tasks.start(begun.run())
        return info


def _no_output() -> TwirpError:
    return TwirpError("invalid_argument", "request has missing or invalid field: output")


def _hide(uploads: Iterable[Message]) -> None:
    """LiveKit never shows the keys it was given."""
    for upload in uploads:
        for name in _SECRET_FIELDS:
            if getattr(upload, name):
                setattr(upload, name, f"{{{name}}}")
