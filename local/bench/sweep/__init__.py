"""How long the sweep takes at a thousand calls a second, and when what is overdue is mended: the sweep's own code over
a table in memory that answers as slowly as DynamoDB does."""
