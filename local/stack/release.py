"""Another release of our own code on a stack that is up: its layer replaces the one that the functions have, one
function after the other, as CloudFormation does it. What a function is about goes on to its end as it began."""

from pathlib import Path

from local.aws import deploy
from local.stack.record import Stack

_LAYER = "ringline-another-release"


def put_core(stack: Stack, core: Path) -> None:
    """Every function of the stack runs the code in this folder from its next process on, which has `python/ringline` as
    a built core layer has it."""
    aws_lambda = deploy.client("lambda", stack.emulator_url)
    content = {"ZipFile": deploy.linked_layer(core)}
    layer = aws_lambda.publish_layer_version(LayerName=_LAYER, Content=content)["LayerVersionArn"]
    for name in stack.functions.values():
        former = [each["Arn"] for each in aws_lambda.get_function_configuration(FunctionName=name)["Layers"]]
        (ours,) = (each for each in former if "CoreLayer" in each or _LAYER in each)
        layers = [layer if each == ours else each for each in former]
        aws_lambda.update_function_configuration(FunctionName=name, Layers=layers)
