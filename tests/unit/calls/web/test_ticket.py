"""What a browser's call takes over from the route that it was let in by."""

from ringline.calls.web.ticket import a_ticket
from ringline.routing.records import Sound
from ringline.routing.resolve import Route
from tests.builders import ACCOUNT, NOW


def test_a_browser_hears_what_its_pipe_greets_with() -> None:
    route = Route(pipe_id="pipe_1", agent_id="concierge", from_number="", sound=Sound(greeting="Welcome."))
    assert a_ticket(ACCOUNT, "call_1", route, NOW).call.voice == {"greeting": "Welcome."}
