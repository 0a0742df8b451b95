"""Lambda's Runtime API for one invocation, asked as AWS's runtime client asks it."""

import http.client
import threading

from local.aws.runtime_api import serving

NEXT = "/2018-06-01/runtime/invocation/next"


def test_an_event_is_handed_out_and_its_answer_taken() -> None:
    with serving(b'{"a": 1}', "arn", 3.0) as invocation:
        client = http.client.HTTPConnection(invocation.address, timeout=5)
        client.request("GET", NEXT)
        assert client.getresponse().read() == b'{"a": 1}'
        client.request("POST", f"/2018-06-01/runtime/invocation/{invocation.request_id}/response", b'"done"')
        assert client.getresponse().status == 202
        client.close()
        answer = invocation.answer_within(5)
    assert answer is not None
    assert (answer.body, answer.failed) == ("done", False)


def test_a_client_that_waits_for_another_event_is_let_go_at_the_end() -> None:
    before = set(threading.enumerate())
    with serving(b"{}", "arn", 3.0) as invocation:
        client = http.client.HTTPConnection(invocation.address, timeout=5)
        client.request("GET", NEXT)
        client.getresponse().read()
        client.request("GET", NEXT)
        waiting = set(threading.enumerate()) - before
        assert waiting
    for thread in waiting:
        thread.join(timeout=5)
    assert not any(thread.is_alive() for thread in waiting)
    client.close()
