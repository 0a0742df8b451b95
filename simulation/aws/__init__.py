"""What stands in for AWS: the table, the queues and the stream, with the ways in which they fail. Nothing here decides
about a call, and nothing here knows who acts beside the product."""
