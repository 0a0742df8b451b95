"""A stack that starts asks each function for something: what it answers depends on what is set up."""

import pytest

from local.aws.template import events_of, read_template
from local.stack.carrier_secrets import CarrierSecrets, sandbox_secrets
from local.stack.start import answers_expected
from local.tools.places import TEMPLATE

FORMS = {"generic": "sip_hook_secret", "telnyx": "telnyx_public_key", "twilio": "twilio_auth_token"}
REFUSED, NOT_SET_UP = frozenset({401, 403}), frozenset({404})


def expected_of_hooks(secrets: CarrierSecrets) -> dict[str, frozenset[int]]:
    hooks = "/hooks/sip/"
    return {path.removeprefix(hooks): statuses for _, path, statuses in answers_expected(secrets) if hooks in path}


def test_without_a_carriers_secret_its_hook_is_expected_not_to_be_there() -> None:
    assert expected_of_hooks(CarrierSecrets()) == dict.fromkeys(FORMS, NOT_SET_UP)
    assert expected_of_hooks(sandbox_secrets()) == dict.fromkeys(FORMS, REFUSED)


@pytest.mark.parametrize(("form", "name"), FORMS.items())
def test_one_carriers_secret_opens_its_hook_alone(form: str, name: str) -> None:
    expected = expected_of_hooks(CarrierSecrets(**{name: "a secret"}))
    assert expected == dict.fromkeys(FORMS, NOT_SET_UP) | {form: REFUSED}


def test_every_function_that_a_request_reaches_is_asked() -> None:
    paths = {path for _, path, _ in answers_expected(CarrierSecrets())}
    by_function: dict[str, list[str]] = {}
    for function, properties in events_of(read_template(TEMPLATE), "HttpApi"):
        by_function.setdefault(function, []).append(properties.get("Path", ""))
    open_to_all = [name for name, routes in by_function.items() if any(_matches(each, paths) for each in routes)]
    assert sorted(open_to_all) == sorted(by_function)


def _matches(route: str, paths: set[str]) -> bool:
    """Whether one of the paths is the route's. The catch-all has none, and takes what nobody else does."""
    beginning = route.partition("{")[0]
    return not route or any(path.startswith(beginning) if "{" in route else path == route for path in paths)
