"""Who seals the secrets of customers, and who opens them, have the same key: a delivery whose secret nobody opens is
never made."""

import pytest

from local.aws.template import read_template, resources_of
from local.tools.places import TEMPLATE
from ringline.runtime.vault.kept import VARIABLE

FUNCTIONS = resources_of(read_template(TEMPLATE), "AWS::Serverless::Function")
OPENS = {
    "secrets of webhook endpoints": "DeliverWebhookFunction",
    "decision secrets": "ReceiveLivekitEventFunction",
    "keys of agents' endpoints": "AssignBrainFunction",
}


def has_the_document(function: str) -> tuple[bool, bool]:
    """Whether it is told where the stack's secrets are, and may read them."""
    properties = FUNCTIONS[function]["Properties"]
    actions = [statement["Action"] for policy in properties["Policies"] for statement in policy.get("Statement", [])]
    flat = [each for action in actions for each in (action if isinstance(action, list) else [action])]
    return VARIABLE in properties["Environment"]["Variables"], "secretsmanager:GetSecretValue" in flat


@pytest.mark.parametrize("function", ["ManageFunction", *OPENS.values()])
def test_who_seals_and_who_opens_has_the_key(function: str) -> None:
    assert has_the_document(function) == (True, True)
