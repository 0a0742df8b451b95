"""Trips with a stack, as somebody who uses it makes them: the demo, a call to every number, one function on one event,
and a customer's server that listens for webhooks."""
