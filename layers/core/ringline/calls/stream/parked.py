"""Records of the stream that could not be relayed, kept whole in a bucket of their own.

    parked/<call>/<sequence number>.json    put there by the relay: {"why", "record"}
    aws/lambda/...                          put there by Lambda, of what the relay failed on for as long as the stream
                                            keeps a record

A note in the relay's dead-letter queue tells of each that the relay has parked: its alarm and `ringline doctor` see it.
The queue alone would not do: a message holds less than a row with its image before.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ParkedRecords:
    s3: Callable[[], Any]
    bucket: str
    sqs: Callable[[], Any]
    queue_url: str

    def park(self, record: Mapping[str, Any], why: str) -> None:
        """Keeps the record, then tells of it. Again for the same record it puts the same object."""
        images = record["dynamodb"]
        call_id = images.get("Keys", {}).get("sk", {}).get("S", "unnamed")
        key = f"parked/{call_id}/{images['SequenceNumber']}.json"
        body = json.dumps({"why": why, "record": record}, ensure_ascii=False, default=str).encode()
        self.s3().put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json")
        note = json.dumps({"parked": f"s3://{self.bucket}/{key}", "why": why[:1000]})
        self.sqs().send_message(QueueUrl=self.queue_url, MessageBody=note)
