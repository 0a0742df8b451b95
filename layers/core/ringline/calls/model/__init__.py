"""What a call is: its record, its reasons, its events, and what it asks of the outside. Pure: standard library only,
and nothing of the other rooms."""
