"""Where an egress puts its file: an S3 bucket, signed for with SigV4."""

import os
from dataclasses import dataclass
from typing import Self

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from livekit.protocol.egress import S3Upload

from local.phones.post.courier import Parcel

_CONTENT_TYPES = {".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".mp3": "audio/mpeg"}
_EMULATORS_KEY = "test"


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket of an egress request. Without an `endpoint` it is Amazon's, which is out of reach here."""

    name: str
    region: str
    endpoint: str
    access_key: str
    secret: str
    session_token: str
    path_style: bool

    @classmethod
    def asked_for(cls, upload: S3Upload) -> Self:
        """A request without a key leaves it to the egress service to have one: its environment's, or the emulator's."""
        return cls(
            upload.bucket,
            upload.region or "us-east-1",
            upload.endpoint.rstrip("/"),
            upload.access_key or os.environ.get("AWS_ACCESS_KEY_ID", _EMULATORS_KEY),
            upload.secret or os.environ.get("AWS_SECRET_ACCESS_KEY", _EMULATORS_KEY),
            upload.session_token,
            upload.force_path_style,
        )

    def location(self, key: str) -> str:
        """The file's address, as an egress tells it."""
        if not self.endpoint:
            return f"https://{self.name}.s3.{self.region}.amazonaws.com/{key}"
        if self.path_style:
            return f"{self.endpoint}/{self.name}/{key}"
        scheme, _, host = self.endpoint.partition("://")
        return f"{scheme}://{self.name}.{host}/{key}"

    def put(self, key: str, body: bytes) -> Parcel:
        """The signed request that stores `body`."""
        content_type = _CONTENT_TYPES.get(key[key.rfind(".") :], "application/octet-stream")
        request = AWSRequest("PUT", self.location(key), data=body, headers={"Content-Type": content_type})
        credentials = Credentials(self.access_key, self.secret, self.session_token or None)
        S3SigV4Auth(credentials, "s3", self.region).add_auth(request)
        return Parcel(f"the recording {key}", request.url, body, dict(request.headers.items()), "PUT")
