"""The table's stream, read back: every state an item ever had, in order."""

from collections.abc import Iterator
from typing import Any

from ringline.runtime import aws
from ringline.runtime.items import from_item
from tests.component.one_table import LocalAws


def changes_of(local: LocalAws, pk: str, sk: str) -> list[dict[str, Any]]:
    """Each image of the item since the table was made, the present one last."""
    return [image for image in _images(local) if (image["pk"], image["sk"]) == (pk, sk)]


def _images(local: LocalAws) -> Iterator[dict[str, Any]]:
    streams = aws._session().create_client("dynamodbstreams", endpoint_url=local.dynamodb.meta.endpoint_url)
    arn = local.dynamodb.describe_table(TableName=local.table_name)["Table"]["LatestStreamArn"]
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        position = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while position is not None:
            answer = streams.get_records(ShardIterator=position)
            yield from (
                from_item(change["dynamodb"]["NewImage"])
                for change in answer["Records"]
                if "NewImage" in change["dynamodb"]
            )
            # A shard that is still written to never says that it is over.
            position = answer.get("NextShardIterator") if answer["Records"] else None
