"""What a deployed stack may never lose by an update: CloudFormation knows a thing by its logical id, and makes another
one, empty and with another address, where the id or a key of it changes. tests/template/frozen.json is the list; a new
thing is added to it, and nothing is taken away without a way for stacks that stand (docs/upgrading.md)."""

import json
from typing import Any

import pytest

from local.aws.template import read_template, resources_of
from local.tools.places import ROOT
from tests.template.test_template import RESOURCES, TEMPLATE_READ

FROZEN: dict[str, Any] = json.loads((ROOT / "tests/template/frozen.json").read_text())
HOLDS_SOMETHING = (
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::WebSocketApi",
)
"""What it holds, or the address that others know it by, would be lost."""
REPLACED_WITH = ("AttributeDefinitions", "GlobalSecondaryIndexes", "KeySchema", "StageName")
"""Properties of theirs that CloudFormation cannot change in place, or only by taking the index away."""
NAMES = {
    "AlarmName",
    "BucketName",
    "DashboardName",
    "FifoQueue",
    "FunctionName",
    "LayerName",
    "LogGroupName",
    "ManagedPolicyName",
    "QueueName",
    "RoleName",
    "TableName",
    "TopicName",
}
OF_A_STACK_IN_ITS_REGION = {
    # CloudWatch has one list of dashboards for all regions of an AWS account.
    "OperationsDashboard": {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"},
    "CoreLayer": {"Fn::Sub": "${AWS::StackName}-core"},
    "DepsLayer": {"Fn::Sub": "${AWS::StackName}-deps"},
}
"""Names that must be given, or that people look for: each the stack's own, and of what is not kept in one region the
region's own, too."""
OUTLIVES_THE_STACK = ("CallsTable", "RecordsBucket", "TrunkPasswordsKey")


def as_it_is() -> dict[str, Any]:
    return {
        name: {"Type": each["Type"]}
        | {key: each["Properties"][key] for key in REPLACED_WITH if key in each.get("Properties", {})}
        for name, each in resources_of(TEMPLATE_READ, *HOLDS_SOMETHING).items()
    }


def test_nothing_that_holds_something_is_renamed_or_gets_other_keys() -> None:
    assert as_it_is() == FROZEN


def test_nothing_has_a_name_of_its_own_that_a_second_stack_or_a_replacement_would_meet() -> None:
    named = {
        name: told
        for name, each in RESOURCES.items()
        for key, told in each.get("Properties", {}).items()
        if key in NAMES
    }
    assert named == OF_A_STACK_IN_ITS_REGION


ATTACHED = {"retained": OUTLIVES_THE_STACK, "everything": OUTLIVES_THE_STACK, "table": OUTLIVES_THE_STACK[:1]}


@pytest.mark.parametrize(("page", "what"), ATTACHED.items())
def test_what_can_be_attached_to_a_new_stack_is_what_outlives_the_old_one(page: str, what: tuple[str, ...]) -> None:
    """CloudFormation takes up what is there by restore/: names and keys are the stack's own."""
    attached = read_template(ROOT / "restore" / f"{page}.yaml")["Resources"]
    assert sorted(attached) == sorted(what)
    for name, each in attached.items():
        assert each["DeletionPolicy"] == "Retain"
        is_protected = RESOURCES[name]["Properties"].get("DeletionProtectionEnabled", False)
        # What a first deploy made that failed is not to stay, unless it cannot be deleted at once.
        assert RESOURCES[name]["DeletionPolicy"] == ("Retain" if is_protected else "RetainExceptOnCreate")
        assert each["UpdateReplacePolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"
        said = {key: each["Properties"][key] for key in REPLACED_WITH if key in each["Properties"]}
        assert {"Type": each["Type"]} | said == FROZEN[name]


OF_A_RESTORED_TABLE = {"AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "SSESpecification"}
"""What DynamoDB restores of a table. It leaves out the stream, the removal of what has expired, the backups and the
protection."""


def properties_of_the_table(page: str) -> dict[str, Any]:
    properties: dict[str, Any] = read_template(ROOT / "restore" / f"{page}.yaml")["Resources"]["CallsTable"][
        "Properties"
    ]
    return properties


def test_a_table_that_an_earlier_stack_left_is_attached_as_it_is_and_its_stream_is_not_switched_on_a_second_time() -> (
    None
):
    """CloudFormation compares templates, and not what is there: what the import does not name, the deploy after it
    switches on, and DynamoDB refuses that of a stream, or of expiry, that is on."""
    assert properties_of_the_table("retained") == RESOURCES["CallsTable"]["Properties"]


@pytest.mark.parametrize("page", sorted(set(ATTACHED) - {"retained"}))
def test_a_table_from_a_backup_is_attached_as_it_was_restored(page: str) -> None:
    """Encrypted, but without its stream."""
    assert properties_of_the_table(page) == {
        name: told for name, told in RESOURCES["CallsTable"]["Properties"].items() if name in OF_A_RESTORED_TABLE
    }


@pytest.mark.parametrize("page", sorted(ATTACHED))
def test_the_page_says_what_each_template_to_attach_is_for(page: str) -> None:
    assert f"| [restore/{page}.yaml](../restore/{page}.yaml) |" in (ROOT / "docs/deploy.md").read_text()
