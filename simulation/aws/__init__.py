"""What stands in for AWS: the table, the queues and the stream, with the ways in which they fail. No actor and no rule of a call."""
