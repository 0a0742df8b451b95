"""Another release of our own code on a stack that is up: another version of its layer replaces the one that the
functions have, one function after the other, as CloudFormation does it. What a function is about goes on to its end as
it began."""

from pathlib import Path

from local.aws import deploy
from local.stack.record import Stack

_NAME_ENDS = "-core"


def put_core(stack: Stack, core: Path) -> None:
    """Every function of the stack runs the code in this folder from its next process on, which has `python/ringline` as
    a built core layer has it."""
    aws_lambda = deploy.client("lambda", stack.emulator_url)
    former = {
        name: [each["Arn"] for each in aws_lambda.get_function_configuration(FunctionName=name)["Layers"]]
        for name in stack.functions.values()
    }
    (ours,) = {each for layers in former.values() for each in layers if _name_of(each).endswith(_NAME_ENDS)}
    content = {"ZipFile": deploy.linked_layer(core)}
    version = aws_lambda.publish_layer_version(LayerName=_name_of(ours), Content=content)["LayerVersionArn"]
    for name, layers in former.items():
        replaced = [version if each == ours else each for each in layers]
        aws_lambda.update_function_configuration(FunctionName=name, Layers=replaced)


def _name_of(layer_version: str) -> str:
    return layer_version.split(":")[6]
