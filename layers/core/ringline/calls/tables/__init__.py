"""How calls are kept: the items of the table, the objects of the bucket, the messages of the two queues. Knows AWS,
and of the calls only their `model`."""
