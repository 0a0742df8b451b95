"""Phone calls: the legs of calls that go out and of calls that ring in, the transfer of a call, and the exchange that
calls, agents and recordings share."""
